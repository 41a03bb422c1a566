"""One guest: the archive, writing it down, tags, consent, owner, a number revealed."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.forms import CompanionForm, ParticipationForm, ProfileForm, ReasonForm, TagForm, initial_of
from customers.models import Customer, Visit
from customers.models.consent import Source
from customers.selectors.archive import Archive, archive
from customers.selectors.bookings import coming_of, habit_of, menu_of
from customers.selectors.company import companions_of, influence_of, participations_of
from customers.selectors.listing import guests_of, look_up
from customers.selectors.people import has_birthday_soon, masked_numbers
from customers.services.companions import seat_guest
from customers.services.customers import (
    JUDGED,
    Profile,
    add_tag,
    change_customer,
    register_customer,
    remove_tag,
    reveal_phone,
    state_consent,
)
from customers.services.events import record_participation, void_participation
from staff.access import staff_of, who_may
from staff.models import Person
from staff.pages import PageRequest, found, person_of, tell, today_of


@require_safe
def customer(request: PageRequest, pk: int) -> HttpResponse:
    """Everything known of one guest, allergies and taboos first."""
    return _page(request, _archive(request, pk))


def _archive(request: PageRequest, pk: int) -> Archive:
    return found(archive(request.principal.store, pk))


def _page(request: PageRequest, guest: Archive, status: int = 200, **more: Any) -> HttpResponse:
    day = today_of(request)
    table = request.GET.get("table", "")
    context = {
        "guest": guest,
        "patronage": guest.patronage,
        "customer": guest.patronage.customer,
        "birthday_on": has_birthday_soon(guest.patronage.customer.birthday, day),
        "staff": [person for person, _role in staff_of(request.principal.store, day)],
        "companions": companions_of(guest.visits),
        "seat_form": CompanionForm(initial={"visit": table}, store=request.principal.store),
        "seat_open": bool(table),
        "influence": influence_of(request.principal.store, guest.patronage.customer_id, day),
        "participations": participations_of(request.principal.store, guest.patronage.customer_id),
        "event_form": ParticipationForm(initial={"attended_on": day}),
        "habit": habit_of(request.principal.store, guest.patronage.customer_id, day),
        "coming": coming_of(request.principal.store, guest.patronage.customer_id, day),
        "menu": menu_of(request.principal.store, guest.patronage.customer_id),
        "tag_form": TagForm(),
        "reason_form": ReasonForm(),
        **more,
    }
    return render(request, "customers/customer.html", context, status=status)


def _people(request: PageRequest) -> list[Person] | None:
    """Whom a guest may be given to; None where this role does not hand guests out."""
    if request.principal.role not in who_may("customer-owner", "POST"):
        return None
    return [person for person, _role in staff_of(request.principal.store, today_of(request))]


@require_http_methods(["GET", "POST", "HEAD"])
def customer_new(request: PageRequest) -> HttpResponse:
    """Put a guest on file. A number that a guest here already has is answered with that guest."""
    kwargs: dict[str, Any] = {
        "store": request.principal.store,
        "today": today_of(request),
        "people": _people(request),
    }
    if request.method != "POST":
        return _form_page(request, ProfileForm(**kwargs))
    if "begin" in request.POST:
        # From a search that found nobody: the number comes along in the body.
        return _form_page(
            request, ProfileForm(initial={"phone": request.POST.get("phone", "")[:40]}, **kwargs)
        )
    form = ProfileForm(request.POST, **kwargs)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    twin = _owner_of(request, form.cleaned_data["phone"])
    if twin is not None:
        form.add_error("phone", _("这个手机号已经登记在这位客人名下："))
        return _form_page(request, form, twin=twin, status=422)
    try:
        done = register_customer(
            store=request.principal.store, profile=form.profile(), actor=person_of(request), at=now(),
            source=Source.DESK,
        )  # fmt: skip
    except Refused as refused:
        form.refuse(refused)
        return _form_page(request, form, status=422)
    if done.status == "linked":
        messages.success(request, _("这位客人在别的门店有档案，已经接到本店；原来的资料没有改动。"))
    else:
        messages.success(request, _("已为 %(name)s 建档。") % {"name": done.customer.called})
    return redirect("customer", done.customer.pk)


def _owner_of(request: PageRequest, phone: str | None, but: int | None = None) -> Any:
    """The guest of this store whose own number it is, if it is not the guest `but`."""
    if not phone:
        return None
    cards = look_up(request.principal.store, phone)
    return next((c for c in cards if c.here and c.kind == "own" and c.customer_id != but), None)


@require_http_methods(["GET", "POST", "HEAD"])
def customer_edit(request: PageRequest, pk: int) -> HttpResponse:
    """Change what is known of a guest. An empty number leaves the number as it is."""
    patronage = found(guests_of(request.principal.store).filter(customer_id=pk).first())
    guest = patronage.customer
    kwargs: dict[str, Any] = {
        "store": request.principal.store, "today": today_of(request), "people": _people(request),
        "is_new": False, "number": masked_numbers([pk]).get(pk, ""),
    }  # fmt: skip
    if request.method != "POST":
        initial = _initial(guest) | {
            "usual_table": patronage.usual_table,
            "owner": str(patronage.owner_id or ""),
        }
        return _form_page(request, ProfileForm(initial=initial, **kwargs), patronage=patronage)
    form = ProfileForm(request.POST, **kwargs)
    if not form.is_valid():
        return _form_page(request, form, patronage=patronage, status=422)
    twin = _owner_of(request, form.cleaned_data["phone"], but=pk)
    if twin is not None:
        form.add_error("phone", _("这个手机号已经登记在这位客人名下："))
        return _form_page(request, form, twin=twin, patronage=patronage, status=422)
    try:
        change_customer(
            store=request.principal.store, customer_id=pk, profile=form.profile(), actor=person_of(request),
            at=now(), source=Source.DESK,
        )  # fmt: skip
    except Refused as refused:
        form.refuse(refused)
        return _form_page(request, form, patronage=patronage, status=422)
    messages.success(request, _("资料已保存。"))
    return redirect("customer", pk)


def _initial(guest: Customer) -> dict[str, Any]:
    names = (
        "name",
        "salutation",
        "sex",
        "address",
        "industry",
        "employer",
        "position",
        "allergies",
        "taboos",
        "likes",
        "needs",
        "note",
        "preferred_channel",
    )
    judged = {name: getattr(guest, name) for name in JUDGED}
    married = {True: "yes", False: "no"}.get(guest.married) if guest.married is not None else ""
    told = {name: getattr(guest, name) for name in names}
    return told | judged | {"married": married} | initial_of(guest.birthday)


def _form_page(request: PageRequest, form: ProfileForm, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "customers/form.html", {"form": form, **more}, status=status)


@require_POST
def customer_tag(request: PageRequest, pk: int) -> HttpResponse:
    """Put a word on a guest, or take one off; either keeps its date."""
    guest = _archive(request, pk)
    form = TagForm(request.POST)
    if not form.is_valid():
        return _page(request, guest, status=422, tag_form=form)
    act = remove_tag if request.POST.get("act") == "remove" else add_tag
    act(customer=guest.patronage.customer, word=form.cleaned_data["word"], actor=person_of(request), at=now())
    return redirect("customer", pk)


@require_POST
def customer_consent(request: PageRequest, pk: int) -> HttpResponse:
    """Write down that the guest allows texts, or does not any more."""
    guest = _archive(request, pk)
    given = request.POST.get("given")
    if given not in ("yes", "no"):
        return _page(request, guest, status=422)
    at = now()
    state_consent(
        customer=guest.patronage.customer, given=given == "yes", said_at=at, source=Source.DESK,
        store=request.principal.store, actor=person_of(request), at=at,
    )  # fmt: skip
    messages.success(request, _("已记下：同意接收短信。") if given == "yes" else _("已记下：不再发短信。"))
    return redirect("customer", pk)


@require_POST
def customer_owner(request: PageRequest, pk: int) -> HttpResponse:
    """Give the guest to a colleague of this store."""
    found(guests_of(request.principal.store).filter(customer_id=pk).first())
    wanted = request.POST.get("owner", "")
    person = next((p for p in _people(request) or [] if str(p.pk) == wanted), None)
    if person is None:
        messages.error(request, _("请选一位在职的同事。"))
        return redirect("customer", pk)
    try:
        change_customer(
            store=request.principal.store, customer_id=pk, profile=Profile(owner=person),
            actor=person_of(request), at=now(), source=Source.DESK,
        )  # fmt: skip
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("负责人已改为 %(name)s。") % {"name": person})
    return redirect("customer", pk)


@require_POST
def customer_seat(request: PageRequest, pk: int) -> HttpResponse:
    """Name who else sat at the table of one of the guest's visits, and as what."""
    guest, store = _archive(request, pk), request.principal.store
    form = CompanionForm(request.POST, store=store)
    if form.is_valid():
        visit_id = form.cleaned_data["visit"]
        found(Visit.objects.filter(store=store, customer_id=pk, pk=visit_id).first())
        try:
            seat = seat_guest(
                store=store, visit_id=visit_id, customer_id=form.cleaned_data["who"],
                role=form.cleaned_data["role"], actor=person_of(request), at=now(),
            )  # fmt: skip
        except Refused as refused:
            form.refuse(refused)
        else:
            told = {"who": seat.customer.called, "role": seat.get_role_display()}
            messages.success(request, _("已记下同席：%(who)s，%(role)s。") % told)
            return redirect("customer", pk)
    return _page(request, guest, status=422, seat_form=form, seat_open=True)


@require_POST
def customer_event(request: PageRequest, pk: int) -> HttpResponse:
    """Write down that the guest was at an event of the store."""
    guest = _archive(request, pk)
    form = ParticipationForm(request.POST)
    if form.is_valid():
        try:
            row = record_participation(
                store=request.principal.store, customer_id=pk, event=form.cleaned_data["event"],
                attended_on=form.cleaned_data["attended_on"], actor=person_of(request), at=now(),
            )  # fmt: skip
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("已记下：参加“%(event)s”。") % {"event": row.event})
            return redirect("customer", pk)
    return _page(request, guest, status=422, event_form=form)


@require_POST
def customer_event_void(request: PageRequest, pk: int, event_id: int) -> HttpResponse:
    """It was not so."""
    try:
        void_participation(
            store=request.principal.store, customer_id=pk, participation_id=event_id,
            actor=person_of(request), at=now(),
        )  # fmt: skip
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("已撤回这次参加记录。"))
    return redirect("customer", pk)


@require_POST
def customer_reveal(request: PageRequest, pk: int, phone_id: int) -> HttpResponse:
    """A whole number, for a reason that is kept. It stands on this answer and nowhere else."""
    guest = _archive(request, pk)
    phone = found(next((each for each in guest.phones if each.pk == phone_id), None))
    form = ReasonForm(request.POST)
    context: dict[str, Any] = {"reason_form": form, "asked": phone.pk}
    status = 422
    if form.is_valid():
        try:
            context["revealed"] = reveal_phone(
                store=request.principal.store, customer_id=pk, phone_id=phone.pk,
                reason=form.cleaned_data["reason"], actor=person_of(request), at=now(),
            )  # fmt: skip
            status = 200
        except Refused as refused:
            form.refuse(refused)
    if request.htmx:
        response = render(
            request,
            "customers/phone.html",
            {"phone": phone, "patronage": guest.patronage, **context},
            status=status,
        )
    else:
        response = _page(request, guest, status=status, **context)
    response.headers["Cache-Control"] = "no-store"
    return response
