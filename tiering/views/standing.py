"""Why a guest stands where, on any axis: a panel of the guest's page, or a page of its own."""

from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common.clock import now
from common.errors import NotHere
from customers.models import Patronage
from staff.access import who_may
from staff.models import Store
from staff.pages import PageRequest, found, today_of
from tiering import picture
from tiering.ahead import rise_words, shield_of
from tiering.axes import MAIN, axis_name, axis_order
from tiering.forecast import horizon, is_foreseeable
from tiering.forms_people import JudgeForm, OverrideForm
from tiering.rules import Scheme, by_rules
from tiering.selectors.decisions import Standing, standing
from tiering.selectors.forecast import outlook
from tiering.selectors.history import passages
from tiering.selectors.judged import (
    adopted_between,
    codes_asked,
    flags_above,
    override_of,
    said_of,
    schemes_in,
)
from tiering.selectors.pages import decisions_of
from tiering.selectors.schemes import in_force_everywhere
from tiering.sentences import named


@require_safe
def customer_standing(request: PageRequest, pk: int) -> HttpResponse:
    """Every line with its number, what lies ahead, what people said; `?axis=` for another axis than the ladder."""
    return show_standing(request, pk, request.GET.get("axis", MAIN))


def show_standing(
    request: PageRequest, pk: int, axis: str = MAIN, *, status: int = 200, **forms: Any
) -> HttpResponse:
    """The panel for htmx, else the page; `forms` are those that came back with something to change."""
    store, day = request.principal.store, today_of(request)
    patronage = found(
        Patronage.objects.filter(store=store, customer_id=pk).select_related("customer").first()
    )
    schemes = schemes_in(in_force_everywhere(store.pk, day))
    if axis != MAIN and axis not in schemes:
        raise Http404
    context: dict[str, Any] = {
        "customer_id": pk,
        "patronage": patronage,
        "axis": axis,
        "axes": [(code, axis_name(code), named(schemes[code])) for code in sorted(schemes, key=axis_order)],
        "standing": _stand(store, pk, day, axis),
        "said": said_of(store, pk, day, schemes.get(MAIN)),
        **forms,
    }
    if context["standing"] is not None:
        context |= _explained(store, pk, day, context["standing"])
    context |= _open_forms(request, patronage, schemes, context)
    name = "tiering/standing.html" if request.htmx else "tiering/standing_page.html"
    return render(request, name, context, status=status)


def _stand(store: Store, pk: int, day: date, axis: str) -> Standing | None:
    try:
        return standing(store, pk, day, axis)
    except NotHere:
        raise Http404 from None


def _explained(store: Store, pk: int, day: date, stands: Standing) -> dict[str, Any]:
    scheme, tier = stands.scheme, stands.tier
    ahead = outlook(store, pk, stands)
    decisions = decisions_of(store, pk, scheme.axis)
    return {
        "scheme": scheme,
        "rungs": picture.rungs(scheme, stands.lines, stands.evidence, tier),
        "scores": picture.scores(scheme, stands.known),
        "step": None if stands.unrated or ahead.rise else picture.next_step(scheme, stands.lines, tier),
        "outlook": ahead,
        "rise_words": rise_words(ahead.rise, day) if ahead.rise else "",
        "shield": shield_of(stands, by_rules(scheme, stands.known)),
        "foreseeable": is_foreseeable(scheme),
        "stays_until": horizon(day) if _stays(store, stands, ahead.fall) else None,
        "override": override_of(store, pk, day, scheme.axis) if stands.known.given else None,
        "passages": passages(store, decisions),
    }


def _stays(store: Store, stands: Standing, fall: object) -> bool:
    """Whether it can be said that she does not fall: there is something below, and these rules stay in force."""
    scheme = stands.scheme
    return (
        fall is None
        and not stands.unrated
        and scheme.is_ladder
        and is_foreseeable(scheme)
        and scheme.rank(stands.tier) < len(scheme.tiers) - 1
        and not adopted_between(store.pk, scheme.axis, stands.on, horizon(stands.on))
    )


def _open_forms(
    request: PageRequest, patronage: Patronage, schemes: dict[str, Scheme], context: dict[str, Any]
) -> dict[str, Any]:
    """The forms that this role may fill in, where they are not there already with what was wrong."""
    day, role = today_of(request, now()), request.principal.role
    forms: dict[str, Any] = {}
    if "judge_form" not in context and role in who_may("customer-judge", "POST"):
        forms["judge_form"] = judge_form(day, schemes, patronage)
    scheme = schemes.get(context["axis"])
    if "override_form" not in context and scheme and role in who_may("customer-override", "POST"):
        forms["override_form"] = override_form(day, scheme)
    return forms


def judge_form(day: date, schemes: dict[str, Scheme], patronage: Patronage, data: Any = None) -> JudgeForm:
    """What may be said of a guest here: what the schemes in force ask for, and the flag of a likely rise."""
    codes: list[Any] = codes_asked(schemes.values())
    if main := schemes.get(MAIN):
        codes += flags_above(main, patronage.tier)
    return JudgeForm(data, today=day, codes=codes, prefix="judge")


def override_form(day: date, scheme: Scheme, data: Any = None) -> OverrideForm:
    """The tiers of a scheme, to be given by hand."""
    tiers = [(tier.code, named(tier)) for tier in scheme.tiers]
    return OverrideForm(data, today=day, tiers=tiers, prefix="override")
