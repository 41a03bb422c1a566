"""Why a guest stands where, and the schemes that say so."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.clock import now
from common.errors import NotHere, Refused
from customers.models import Patronage
from staff.access import who_may
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering import picture
from tiering.forms import AdoptForm
from tiering.models import SchemeVersion
from tiering.selectors.decisions import standing
from tiering.selectors.forecast import Fall, fall_without_visit, is_foreseeable
from tiering.selectors.pages import adoptions, decisions_of, guests_per_label, ladder, presets, written
from tiering.services.preview import preview
from tiering.services.schemes import adopt, adopt_preset


@require_safe
def customer_standing(request: PageRequest, pk: int) -> HttpResponse:
    """Every line with its number: a panel of the guest's page, or a page of its own."""
    store, day = request.principal.store, today_of(request)
    try:
        found_standing = standing(store, pk, day)
    except NotHere:
        found_standing = found(None)
    context: dict[str, Any] = {"customer_id": pk, "standing": found_standing}
    if found_standing is not None:
        scheme, tier = found_standing.scheme, found_standing.tier
        foreseeable = is_foreseeable(scheme)
        fall: Fall | None = None
        if foreseeable and not found_standing.unrated and scheme.tier(tier) is not None:
            fall = fall_without_visit(store, scheme, pk, day, tier)
        context |= {
            "scheme": scheme,
            "rungs": picture.rungs(scheme, found_standing.lines, found_standing.evidence, tier),
            "step": None if found_standing.unrated else picture.next_step(scheme, found_standing.lines, tier),
            "fall": fall,
            "foreseeable": foreseeable,
            "decisions": decisions_of(store, pk),
        }
    if request.htmx:
        return render(request, "tiering/standing.html", context)
    patronage = Patronage.objects.filter(store=store, customer_id=pk).select_related("customer").first()
    return render(request, "tiering/standing_page.html", context | {"patronage": found(patronage)})


@require_safe
def schemes(request: PageRequest) -> HttpResponse:
    """The ladder in force, what will come, the presets, and what was adopted when."""
    store, day = request.principal.store, today_of(request)
    stands = ladder(store, day)
    guests = guests_per_label(store.pk)
    unrated = guests.get("", 0) + guests.get("UNRATED", 0)
    context = {
        "ladder": stands,
        "scheme": stands.scheme,
        "guests": guests,
        "all_guests": sum(guests.values()),
        "unrated": unrated,
        "presets": presets(),
        "adoptions": adoptions(store),
    }
    return render(request, "tiering/schemes.html", context)


@require_safe
def scheme(request: PageRequest, code: str) -> HttpResponse:
    """A scheme to read, and what it would do to the guests of this store if it held today."""
    return _scheme_page(request, code, request.GET.get("v", ""))


def _scheme_page(
    request: PageRequest, code: str, number: str, form: AdoptForm | None = None, status: int = 200
) -> HttpResponse:
    store, day = request.principal.store, today_of(request)
    text = found(written(store, code, int(number) if number.isdigit() else None))
    stands = ladder(store, day)
    version = text.version.number if text.version else None
    context = {
        "text": text,
        "scheme": text.scheme,
        "code": code,
        "is_in_force": bool(
            stands.adoption and text.version and stands.adoption.version_id == text.version.pk
        ),
        "preview": preview(store, text.scheme, day),
        "in_force": stands.scheme,
        "form": form or AdoptForm(today=day, initial={"code": code, "number": version}),
        "may_adopt": request.principal.role in who_may("scheme-adopt", "POST"),
    }
    return render(request, "tiering/scheme.html", context, status=status)


@require_POST
def scheme_adopt(request: PageRequest) -> HttpResponse:
    """From a day on, this scheme grades the store."""
    store = request.principal.store
    form = AdoptForm(request.POST, today=today_of(request))
    if not form.is_valid():
        if not form.cleaned_data.get("code"):
            return redirect("schemes")
        return _scheme_page(
            request, form.cleaned_data["code"], str(form.cleaned_data.get("number") or ""), form, status=422
        )
    code, number, day = (form.cleaned_data[name] for name in ("code", "number", "from_date"))
    try:
        if number is None:
            adopt_preset(store=store, code=code, from_date=day, actor=person_of(request), at=now())
        else:
            version = SchemeVersion.objects.filter(
                scheme__store=store, scheme__code=code, number=number
            ).first()
            adopt(store=store, version=found(version), from_date=day, actor=person_of(request), at=now())
    except Refused as refused:
        tell(request, refused)
        return redirect("schemes")
    messages.success(request, _("已采用，从 %(day)s 晚上的评级开始生效。") % {"day": f"{day:%Y-%m-%d}"})
    return redirect("schemes")
