"""Segments: a question about the guests built line by line, counted while it is written, kept under a name."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.selectors.people import words_in_use
from staff.pages import PageRequest, found, go, person_of, tell, today_of
from tiering.axes import axis_name, axis_order
from tiering.drafts import Draft, Trouble, draft_of
from tiering.editor import BLANK, from_fields, press
from tiering.models import Judgement, Segment
from tiering.rules import Scheme
from tiering.segments import EVERYBODY, Question, as_scheme, parts_of, read_segment, rule_of
from tiering.selectors.counts import count_lines
from tiering.selectors.labels import schemes_of_labels
from tiering.selectors.segments import count_in, listed, page_in, segment_of
from tiering.sentences import JUDGEMENTS, TAGS, named, tier_name
from tiering.services.schemes import SchemeRefused
from tiering.services.segments import retire_segment, save_segment
from tiering.subjects import as_options, choices

METHODS = ["GET", "HEAD", "POST"]
Rule = tuple[dict[str, list[str]], Any]


def _schemes(request: PageRequest) -> dict[str, Scheme]:
    schemes = schemes_of_labels(request.principal.store.pk)
    # The badges of the page ask for the same.
    request.label_schemes = schemes  # type: ignore[attr-defined]
    return {axis: schemes[axis] for axis in sorted(schemes, key=axis_order)}


@require_safe
def segments(request: PageRequest) -> HttpResponse:
    """Every living segment with how many guests it has today."""
    rows = listed(request.principal.store, today_of(request))
    return render(request, "tiering/segments.html", {"rows": rows})


@require_safe
def segment(request: PageRequest, pk: int) -> HttpResponse:
    """What a segment asks, and who is in it today, page by page."""
    store, day = request.principal.store, today_of(request)
    kept = found(segment_of(store, pk))
    cursor = request.GET.get("cursor", "")
    try:
        page = page_in(kept, store, day, cursor)
    except Refused as refused:
        tell(request, refused)
        return redirect("segment", pk)
    question = read_segment(kept.rule)
    context = {
        "segment": kept,
        "question": question,
        "where": _where_words(_schemes(request), question),
        "page": page,
        "paged": bool(cursor),
    }
    return render(request, "tiering/segment.html", context)


def _where_words(schemes: dict[str, Scheme], question: Question) -> list[tuple[str, str]]:
    """The labels asked for: the scheme's name, the tiers' names."""
    return [
        (
            named(schemes[axis]) if axis in schemes else axis_name(axis),
            "、".join(tier_name(schemes[axis], code) if axis in schemes else code for code in codes),
        )
        for axis, codes in question.where.items()
    ]


@require_http_methods(METHODS)
def segment_new(request: PageRequest) -> HttpResponse:
    """A segment from nothing, or from a group of an axis (`?axis=matrix&tier=HH`)."""
    if request.method == "POST":
        return _answer(request, None)
    where, when, name = {}, {"all": [dict(BLANK)]}, ""
    axis, code = request.GET.get("axis", ""), request.GET.get("tier", "")
    if axis and code:
        scheme = found(_schemes(request).get(axis))
        where, when = {axis: [code]}, {"all": []}
        name = f"{named(scheme)}：{tier_name(scheme, code)}"[:60]
    return _show(request, None, name, (where, when))


@require_http_methods(METHODS)
def segment_edit(request: PageRequest, pk: int) -> HttpResponse:
    """Change a segment: whatever looks at it from now on sees the new question."""
    kept = found(segment_of(request.principal.store, pk))
    if kept.retired_at is not None:
        raise Http404
    if request.method == "POST":
        return _answer(request, kept)
    where, when = parts_of(kept.rule)
    return _show(request, kept, kept.name, (where, {"all": []} if when == EVERYBODY else when))


@require_POST
def segment_retire(request: PageRequest, pk: int) -> HttpResponse:
    """Offer a segment no more."""
    try:
        retire_segment(store=request.principal.store, segment_id=pk, at=now())
        messages.success(request, _("客群已停用。"))
    except Refused as refused:
        tell(request, refused)
    return redirect("segments")


def _answer(request: PageRequest, kept: Segment | None) -> HttpResponse:
    """What the pressed button asks of the draft."""
    name, act = request.POST.get("name", ""), request.POST.get("act", "count")
    where, when = _rule_from(request)
    if act == "save":
        return _save(request, kept, name, (where, when))
    if act == "count":
        return _show(request, kept, name, (where, when), answers_only=True)
    body, focus = press(as_scheme(when), act)
    return _show(request, kept, name, (where, body["tiers"][0]["when"]), focus=focus)


def _rule_from(request: PageRequest) -> Rule:
    where = {
        key.removeprefix("where."): [code for code in request.POST.getlist(key) if code]
        for key in request.POST
        if key.startswith("where.")
    }
    said = request.POST.dict()
    tiers = from_fields({key: str(value) for key, value in said.items() if key.startswith("tier.0.when")})
    when = tiers["tiers"][0]["when"] if tiers["tiers"] else {"all": []}
    return where, when


def _is_empty(rule: Rule) -> bool:
    """Labels alone, without a line of a rule."""
    where, when = rule
    return any(where.values()) and isinstance(when, dict) and list(when.values()) in ([[]], [1, []])


def _save(request: PageRequest, kept: Segment | None, name: str, rule: Rule) -> HttpResponse:
    where, when = rule
    try:
        saved = save_segment(
            store=request.principal.store, name=name, rule=rule_of(where, EVERYBODY if _is_empty(rule) else when),
            actor=person_of(request), at=now(), segment_id=kept.pk if kept else None,
        )  # fmt: skip
    except SchemeRefused:
        return _show(request, kept, name, rule, status=422)
    except Refused as refused:
        if refused.status == 404:
            raise Http404 from None
        return _show(request, kept, name, rule, status=422, name_error=str(refused))
    messages.success(request, _("客群“%(name)s”已保存。") % {"name": saved.name})
    return go(request, reverse("segment", args=[saved.pk]))


def _show(
    request: PageRequest,
    kept: Segment | None,
    name: str,
    rule: Rule,
    *,
    focus: str = "",
    name_error: str = "",
    answers_only: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The draft as it is now: the whole page, or for htmx the form (or the counts) alone."""
    store, day = request.principal.store, today_of(request)
    where, when = rule
    draft = draft_of(as_scheme(when), focus=focus)
    if any(problem.code == "never_holds" for problem in draft.problems):
        draft.tiers[0].troubles = [Trouble(_("这些条件互相矛盾，没有客人能满足。"), blank=False)]
    if _is_empty(rule):
        for row in draft.tiers[0].rows:
            row.troubles.clear()
        draft.problems.clear()
    total = _count(request, draft, rule)
    context: dict[str, Any] = {
        "segment": kept,
        "name": name,
        "name_error": name_error,
        "draft": draft,
        "tier": draft.tiers[0],
        "day": day,
        "focus": focus,
        "total": total,
        "refused": status == 422,
    }
    if request.htmx and answers_only:
        # Only what stands beside the lines comes back, each piece to its own place.
        answer = render(request, "tiering/segment_answers.html", context, status=status)
        answer["HX-Reswap"] = "none"
        return answer
    context["axes"] = [
        (
            axis,
            named(scheme),
            [(tier.code, named(tier), tier.code in where.get(axis, [])) for tier in scheme.tiers],
        )
        for axis, scheme in _schemes(request).items()
    ]
    context["asked"] = sum(len(codes) for codes in where.values())
    context["subjects"] = _subjects(store, draft)
    template = "tiering/segment_form.html" if request.htmx else "tiering/segment_edit.html"
    return render(request, template, context, status=status)


def _count(request: PageRequest, draft: Draft, rule: Rule) -> int | None:
    """Put the guests beside the lines; how many the whole finds, None while a line is not filled in."""
    store, day = request.principal.store, today_of(request)
    where, when = rule
    if draft.scheme is not None:
        draft.count(count_lines(store, draft.scheme, day))
    elif not _is_empty(rule):
        return None
    asked = rule_of(where, EVERYBODY if _is_empty(rule) else when)
    return count_in(read_segment(asked), store, day)


def _subjects(store: Any, draft: Draft) -> str:
    """Everything that a line can look at here, as options."""
    judged = Judgement.objects.filter(store=store).order_by("code").values_list("code", flat=True).distinct()
    return as_options(
        choices(
            (),
            dict.fromkeys([*TAGS, *words_in_use(store)]),
            dict.fromkeys([*JUDGEMENTS, *judged[:40]]),
            [row.subject for row in draft.tiers[0].rows if row.kind == "line"],
        )
    )
