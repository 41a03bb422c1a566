"""The rule editor: a scheme as a form, with what is wrong and whom it matches beside every line.

The form carries the whole draft: every button posts it, the server does what the button says and shows it again.
Without script that is a page, with htmx the form alone; nothing is kept before it is saved.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.clock import now
from customers.selectors.people import words_in_use
from staff.models import Store
from staff.pages import PageRequest, found, go, person_of, today_of
from tiering import facts
from tiering.axes import axes_named
from tiering.drafts import PLACES, Draft, draft_of
from tiering.editor import from_fields, press
from tiering.models import Judgement
from tiering.rules import MANDATORY, Problem
from tiering.selectors.compare import compare_schemes
from tiering.selectors.counts import count_lines
from tiering.selectors.pages import Written, written, written_name
from tiering.selectors.schemes import in_force, preset, scheme_of
from tiering.selectors.shelf import own_schemes, presets
from tiering.sentences import JUDGEMENTS, TAGS, language
from tiering.services.schemes import SchemeRefused, save_scheme
from tiering.subjects import as_options, choices, measures

METHODS = ["GET", "HEAD", "POST"]
# Words that stand in addresses where a scheme's code would.
TAKEN = {"new", "adopt", "back", "compare", "adoptions"}
BLANK_TIER: dict[str, Any] = {"any": [{"fact": "", "op": ">=", "value": ""}]}


@dataclass(frozen=True)
class Desk:
    """What is being edited: the code (empty for a new scheme) and the number of its newest version."""

    code: str
    newest: int


@require_http_methods(METHODS)
def scheme_edit(request: PageRequest, code: str) -> HttpResponse:
    """Change a scheme of the store, or a preset into one: saving writes the next version."""
    asked = request.GET.get("v", "")
    text = found(written(request.principal.store, code, int(asked) if asked.isdecimal() else None))
    desk = Desk(code, text.versions[0].number if text.versions else 0)
    if request.method == "POST":
        return _answer(request, desk, from_fields(request.POST.dict()) | {"id": code})
    return _show(request, desk, _body_of(text, code))


@require_http_methods(METHODS)
def scheme_new(request: PageRequest) -> HttpResponse:
    """A scheme from nothing, or as a copy of a preset or another scheme (`?from=`) under a new code and name."""
    store, desk = request.principal.store, Desk("", 0)
    if request.method == "POST":
        return _answer(request, desk, from_fields(request.POST.dict()))
    if not request.GET.get("from"):
        return _show(request, desk, _blank(_free_code(store, "scheme")), focus="name.zh")
    code, _at, number = request.GET["from"].partition("@")
    text = found(written(store, code, int(number) if number.isdecimal() else None))
    body = _body_of(text, code) | {"id": _free_code(store, code)}
    name = _("%(name)s（本店）")
    body["name"] = {"zh": name % {"name": text.scheme.zh}, "en": f"{text.scheme.en} (ours)"}
    return _show(request, desk, body, focus="name.zh")


def _body_of(text: Written, code: str) -> dict[str, Any]:
    body: dict[str, Any] = text.version.body if text.version else found(preset(code))
    return dict(body)


def _blank(code: str) -> dict[str, Any]:
    tiers: list[dict[str, Any]] = [
        {"code": letter, "name": {"zh": "", "en": ""}, "when": dict(BLANK_TIER)} for letter in "AB"
    ]
    tiers.append({"code": "C", "name": {"zh": "", "en": ""}, "when": {"otherwise": True}})
    return {"id": code, "name": {"zh": "", "en": ""}, "fallback": "C", "tiers": tiers}


def _free_code(store: Store, like: str) -> str:
    own, n = own_schemes(store), 2
    base = like[:50]
    while f"{base}_{n}" in own:
        n += 1
    return f"{base}_{n}"


def _answer(request: PageRequest, desk: Desk, body: dict[str, Any]) -> HttpResponse:
    """What the pressed button asks of the draft."""
    act = request.POST.get("act", "count")
    if act == "save":
        return _save(request, desk, body)
    if act == "count":
        return _show(request, desk, body, answers_only=True)
    if act == "compare":
        return _show(request, desk, body, compare=True, focus="compared")
    body, focus = press(body, act)
    return _show(request, desk, body, focus=focus)


def _save(request: PageRequest, desk: Desk, body: dict[str, Any]) -> HttpResponse:
    """Write the next version, or show why not: beside each line, with nothing written."""
    store = request.principal.store
    if problems := _in_the_way(request, desk, body):
        return _show(request, desk, body, problems=problems, status=422)
    try:
        version = save_scheme(store=store, body=body, actor=person_of(request), at=now())
    except SchemeRefused as refused:
        known = {(problem.code, problem.path) for problem in draft_of(body).problems}
        more = [each for each in refused.problems if (each.code, each.path) not in known]
        return _show(request, desk, body, problems=more, status=422)
    if version.number == desk.newest:
        messages.info(request, _("没有改动，还是第 %(n)s 版。") % {"n": version.number})
    else:
        messages.success(
            request, _("已存为第 %(n)s 版，还没有采用：看看效果，再决定从哪天起用。") % {"n": version.number}
        )
    return go(request, f"{reverse('scheme', args=[version.scheme.code])}?v={version.number}")


def _in_the_way(request: PageRequest, desk: Desk, body: dict[str, Any]) -> list[Problem]:
    """What a form must not do though the scheme is fine: take a code that is in use, write over news."""
    code = body["id"]
    if not desk.code:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", code):
            return [Problem("bad_id", "id")]
        if code in TAKEN or written(request.principal.store, code) is not None:
            return [Problem("code_taken", "id", {"code": code})]
    base = request.POST.get("base", "")
    if desk.code and base.isdecimal() and int(base) != desk.newest:
        return [Problem("saved_meanwhile", "id", {"n": desk.newest})]
    return []


def _show(
    request: PageRequest,
    desk: Desk,
    body: dict[str, Any],
    *,
    focus: str = "",
    problems: list[Problem] | None = None,
    compare: bool = False,
    answers_only: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The draft as it is now: the whole page, or for htmx the form (or the counts) alone."""
    store, day = request.principal.store, today_of(request)
    draft = draft_of(body, problems or (), focus)
    if draft.scheme is not None:
        draft.count(count_lines(store, draft.scheme, day))
    context: dict[str, Any] = {
        "draft": draft,
        "desk": desk,
        "day": day,
        "focus": focus,
        "refused": status == 422,
        "mandatory": MANDATORY,
        "axes": axes_named({draft.fields.get("axis", "tier"), *(offer.scheme.axis for offer in presets())}),
        "places": PLACES,
        "asked_to_compare": compare,
    }
    if compare and draft.scheme is not None:
        adoption = in_force(store.pk, day, draft.scheme.axis)
        if adoption is not None:
            held = scheme_of(adoption.version)
            context["comparison"] = compare_schemes(
                store,
                held,
                draft.scheme,
                day,
                (_("现在用的：%(name)s") % {"name": written_name(held, adoption.version)}, _("这份草稿")),
            )
    if request.htmx and answers_only:
        # Only what stands beside the lines comes back, each piece to its own place: nobody loses what they type.
        answer = render(request, "tiering/editor/answers.html", context, status=status)
        answer["HX-Reswap"] = "none"
        return answer
    context["subjects"] = as_options(_choices(store, draft))
    context["measures"] = as_options(
        measures(part.fact for score in draft.scores for part in score.parts), ""
    )
    context["more_scores"] = [
        (code, facts.name_of(facts.SCORE + code, language()))
        for code in facts.SCORES
        if code not in {score.code for score in draft.scores}
    ]
    template = "tiering/editor/form.html" if request.htmx else "tiering/editor/page.html"
    return render(request, template, context, status=status)


def _choices(store: Store, draft: Draft) -> Any:
    tags = dict.fromkeys([*TAGS, *words_in_use(store)])
    judged = Judgement.objects.filter(store=store).order_by("code").values_list("code", flat=True).distinct()
    scores = draft.body.get("scores")
    return choices(
        scores if isinstance(scores, dict) else (),
        tags,
        dict.fromkeys([*JUDGEMENTS, *judged[:40]]),
        [row.subject for tier in draft.tiers for row in tier.rows if row.kind == "line"],
    )
