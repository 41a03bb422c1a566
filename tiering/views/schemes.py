"""The schemes of a store: what is in use, what could be, what it would do, and taking it up or back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.services.labels import MAIN_AXIS
from staff.access import who_may
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering.forms import AdoptForm
from tiering.models import SchemeVersion
from tiering.rules import UNRATED, Scheme
from tiering.selectors.adoptions import adoptions, in_use
from tiering.selectors.compare import compare_schemes
from tiering.selectors.counts import tier_sizes
from tiering.selectors.pages import Written, guests_per_axis, scheme_behind_labels, written, written_name
from tiering.selectors.shelf import at_hand, completeness, shelves
from tiering.sentences import SUGGESTED
from tiering.services.preview import preview
from tiering.services.schemes import adopt, adopt_preset, roll_back, withdraw_adoption

EXAMPLES = 20


def _may(request: PageRequest, url_name: str) -> bool:
    return request.principal.role in who_may(url_name, "POST")


@require_safe
def schemes(request: PageRequest) -> HttpResponse:
    """What grades the store on every axis, what will come, what could, and what was adopted when."""
    store, day = request.principal.store, today_of(request)
    found_shelves = shelves(store, day)
    used = [shelf for shelf in found_shelves if shelf.use.adoption or shelf.use.coming]
    guests = guests_per_axis(store.pk)
    context = {
        "shelves": found_shelves,
        "used": used,
        "has_main": any(shelf.axis == MAIN_AXIS and shelf.use.adoption for shelf in used),
        "counted": {
            shelf.axis: _by_tier(shelf.use.scheme, guests.get(shelf.axis, {}))
            for shelf in used
            if shelf.use.scheme
        },
        "all_guests": sum(guests.get(MAIN_AXIS, {}).values()),
        "adoptions": adoptions(store),
        "may_write": _may(request, "scheme-new"),
        "may_adopt": _may(request, "scheme-adopt"),
    }
    return render(request, "tiering/schemes.html", context)


def _by_tier(scheme: Scheme, guests: dict[str, int]) -> dict[str, int]:
    """Guests by tier, and under `none` those who have none."""
    sizes = tier_sizes(scheme, guests)
    return sizes | {"none": sizes.get("", 0) + sizes.get(UNRATED, 0)}


@require_safe
def scheme(request: PageRequest, code: str) -> HttpResponse:
    """A scheme to read, and what it would do to the guests of this store if it held today."""
    return _scheme_page(request, code, request.GET.get("v", ""))


def _scheme_page(
    request: PageRequest, code: str, number: str, form: AdoptForm | None = None, status: int = 200
) -> HttpResponse:
    store, day = request.principal.store, today_of(request)
    text = found(written(store, code, _number(number)))
    use = next((each for each in in_use(store, day) if each.axis == text.scheme.axis), None)
    version = text.version.number if text.version else None
    adopted = bool(use and use.adoption and text.version and use.adoption.version_id == text.version.pk)
    was_adopted = any(each.adoptions.all() for each in text.versions)
    tried = preview(store, text.scheme, day, examples=0 if adopted else EXAMPLES)
    context = {
        "text": text,
        "scheme": text.scheme,
        "code": code,
        "use": use,
        "is_in_force": adopted,
        "coming": next((row for row in use.coming if row.version_id == text.version.pk), None)
        if use and text.version
        else None,
        "preview": tried,
        "sizes": tier_sizes(text.scheme, tried.then),
        "behind": scheme_behind_labels(store.pk, text.scheme.axis),
        "suggested": any(tier.note.startswith(SUGGESTED) for tier in text.scheme.tiers),
        "complete": None if was_adopted else completeness(store, text.scheme),
        "form": form or AdoptForm(today=day, initial={"code": code, "number": version}),
        "may_adopt": _may(request, "scheme-adopt"),
        "may_write": _may(request, "scheme-new"),
    }
    return render(request, "tiering/scheme.html", context, status=status)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


@require_safe
def scheme_compare(request: PageRequest) -> HttpResponse:
    """Two schemes, or two versions of one, side by side on the guests of today."""
    store, day = request.principal.store, today_of(request)
    groups = at_hand(store)
    specs = [spec for _axis, group in groups for spec, _words in group]
    asked = [request.GET.get(name, "") for name in ("a", "b")]
    if not asked[0]:
        used = [use.adoption for use in in_use(store, day) if use.adoption]
        asked[0] = _spec(used[0].version) if used else specs[0]
    asked[1] = asked[1] or next(spec for spec in specs if spec != asked[0])
    one, two = (found(_written(request, spec)) for spec in asked)
    context = {
        "asked": [
            _spec(text.version) if text.version else spec for text, spec in ((one, asked[0]), (two, asked[1]))
        ],
        "at_hand": groups,
        "comparison": compare_schemes(
            store,
            one.scheme,
            two.scheme,
            day,
            (written_name(one.scheme, one.version), written_name(two.scheme, two.version)),
        ),
    }
    return render(request, "tiering/compare.html", context)


def _spec(version: SchemeVersion) -> str:
    return f"{version.scheme.code}@{version.number}"


def _written(request: PageRequest, spec: str) -> Written | None:
    """`code`, or `code@3` for a version."""
    code, _at, number = spec.partition("@")
    return written(request.principal.store, code, _number(number))


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


@require_POST
def adoption_withdraw(request: PageRequest, pk: int) -> HttpResponse:
    """Call off an adoption that has not begun."""
    try:
        withdraw_adoption(
            store=request.principal.store,
            adoption_id=pk,
            actor=person_of(request),
            on=today_of(request),
            at=now(),
        )
        messages.success(request, _("已取消，等级照现在的方案评。"))
    except Refused as refused:
        tell(request, refused)
    return redirect("schemes")


@require_POST
def scheme_roll_back(request: PageRequest) -> HttpResponse:
    """From today, the version that graded before grades again."""
    try:
        adoption = roll_back(
            store=request.principal.store,
            axis=request.POST.get("axis", "tier"),
            actor=person_of(request),
            on=today_of(request),
            at=now(),
        )
        messages.success(
            request, _("已退回，从 %(day)s 晚上的评级开始生效。") % {"day": f"{adoption.from_date:%Y-%m-%d}"}
        )
    except Refused as refused:
        tell(request, refused)
    return redirect("schemes")
