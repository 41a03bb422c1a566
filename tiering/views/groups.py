"""The guests of an axis by their labels: how many, what they spend, who they are, and the goals of the classes."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.clock import add_months, last_full_months, now
from common.errors import Refused
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering import goals
from tiering.axes import MAIN, axis_name, axis_order
from tiering.forms_goals import GoalsForm
from tiering.rules import TOGETHER, UNRATED, Scheme
from tiering.selectors.groups import Aims, aims_of, groups_of, guests_with
from tiering.selectors.labels import schemes_of_labels
from tiering.selectors.leads import LISTED, MORE_THAN, TOP_PERCENT, leads_of
from tiering.sentences import node_sentence
from tiering.services.goals import set_goals

# The codes of a value matrix: first letter what the guest is worth now (across), second what she may be (up).
QUADRANTS = ("LH", "HH", "LL", "HL")


def _schemes(request: PageRequest) -> dict[str, Scheme]:
    schemes = schemes_of_labels(request.principal.store.pk)
    # The badges of the page ask for the same.
    request.label_schemes = schemes  # type: ignore[attr-defined]
    return {axis: schemes[axis] for axis in sorted(schemes, key=axis_order)}


@require_safe
def tier_groups(request: PageRequest) -> HttpResponse:
    """The groups of the ladder, or of the first axis there is."""
    schemes = _schemes(request)
    if not schemes:
        return render(request, "tiering/groups.html", {"axes": []})
    return _show(request, schemes, MAIN if MAIN in schemes else next(iter(schemes)))


@require_safe
def tier_group(request: PageRequest, axis: str) -> HttpResponse:
    """The groups of an axis; the value matrix as a picture; the goals where classes have some."""
    schemes = _schemes(request)
    if axis not in schemes:
        raise Http404
    return _show(request, schemes, axis)


def _show(
    request: PageRequest, schemes: dict[str, Scheme], axis: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    store, day, scheme = request.principal.store, today_of(request), schemes[axis]
    groups = groups_of(store, axis, scheme, day)
    context: dict[str, Any] = {
        "axes": [(code, axis_name(code)) for code in schemes],
        "axis": axis,
        "scheme": scheme,
        "groups": groups,
        "ungraded": groups.of(UNRATED),
        **more,
    }
    if axis == "matrix" and set(QUADRANTS) <= set(scheme.codes):
        context |= {"quadrants": [groups.of(code) for code in QUADRANTS], "cuts": _cuts(scheme)}
    if _has_goals(scheme):
        aims = more.get("aims") or _aims(request, scheme)
        context |= {
            "aims": aims,
            "goals_form": more.get("goals_form") or GoalsForm(aims=aims.rows),
            "month_before": add_months(aims.first, -1),
            "month_after": add_months(aims.first, 1) if aims.first < last_full_months(day, 1)[0] else None,
        }
    return render(request, "tiering/groups.html", context, status=status)


def _cuts(scheme: Scheme) -> list[str]:
    """What the top quadrant asks: the cut-offs in words."""
    top = scheme.tier("HH")
    items = getattr(top.when, "items", ()) if top else ()
    return [node_sentence(item) for item in items]


def _has_goals(scheme: Scheme) -> bool:
    return scheme.axis == goals.AXIS and bool(set(goals.WANTED) & set(scheme.codes))


def _aims(request: PageRequest, scheme: Scheme) -> Aims:
    """The goals over the month asked for (`?month=2026-05`), else over the last full one."""
    first, last = last_full_months(today_of(request), 1)
    asked = request.GET.get("month") or request.POST.get("month") or ""
    try:
        chosen = date.fromisoformat(f"{asked[:7]}-01") if asked else first
    except ValueError:
        chosen = first
    if date(2000, 1, 1) <= chosen < first:
        first, last = last_full_months(add_months(chosen, 1), 1)
    return aims_of(request.principal.store, scheme, first, last)


@require_safe
def tier_group_guests(request: PageRequest, axis: str, code: str) -> HttpResponse:
    """Who has a label, who spent most first, page by page."""
    schemes = _schemes(request)
    if axis not in schemes or not code or TOGETHER in code:
        raise Http404
    cursor = request.GET.get("cursor", "")
    try:
        page = guests_with(request.principal.store, axis, code, cursor)
    except Refused as refused:
        tell(request, refused)
        return redirect("tier-group-guests", axis, code)
    context = {
        "axis": axis,
        "axis_name": axis_name(axis),
        "scheme": schemes[axis],
        "code": code,
        "page": page,
    }
    return render(request, "tiering/groups_guests.html", context | {"paged": bool(cursor)})


@require_safe
def leads(request: PageRequest) -> HttpResponse:
    """Employers of several guests, some of whom spend much: with whom to talk about more than a table."""
    context = {
        "leads": leads_of(request.principal.store, today_of(request)),
        "more_than": MORE_THAN,
        "top_percent": TOP_PERCENT,
        "listed": LISTED,
    }
    return render(request, "tiering/leads.html", context)


@require_POST
def tier_goals(request: PageRequest, axis: str) -> HttpResponse:
    """Write the targets of the classes; a number at fault comes back with its words."""
    schemes = _schemes(request)
    scheme = found(schemes.get(axis))
    if not _has_goals(scheme):
        raise Http404
    aims = _aims(request, scheme)
    form = GoalsForm(request.POST, aims=aims.rows)
    if form.is_valid():
        try:
            set_goals(
                store=request.principal.store,
                axis=axis,
                targets=form.targets(),
                actor=person_of(request),
                at=now(),
            )
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("目标已保存。"))
            return redirect("tier-group", axis)
    return _show(request, schemes, axis, status=422, aims=aims, goals_form=form)
