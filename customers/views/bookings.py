"""The book of bookings: a day, a new booking, what is changed or done of one, who waits; the tables of the store."""

from datetime import date, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from common.errors import Refused
from customers.booking_forms import (
    BookingChangeForm,
    BookingForm,
    BookingRulesForm,
    MenuForm,
    TableForm,
    WaitingForm,
)
from customers.models import Booking, Patronage, Waiting
from customers.selectors import bookings as ask
from customers.selectors.arrivals import doubted
from customers.selectors.listing import guests_of
from customers.services import arrivals, bookings
from staff.access import who_may
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of

DINNER = time(18, 0)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1950 <= day.year < 2090 else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@require_safe
def day(request: PageRequest) -> HttpResponse:
    """Who is expected on a day (today unless asked), by time; today also who waits at the door."""
    return _day_page(request, WaitingForm(store=request.principal.store))


def _day_page(request: PageRequest, form: WaitingForm, status: int = 200) -> HttpResponse:
    store, today = request.principal.store, today_of(request)
    on = _day(request.GET.get("on", "")) or today
    rules = bookings.booking_rules_of(store)
    context: dict[str, Any] = {
        "tab": "bookings", "on": on, "today": today, "rows": ask.booked_on(store, on), "gone": ask.called_off_on(store, on),
        "days": ask.booked_days(store, today)[:8], "before": on - timedelta(days=1), "after": on + timedelta(days=1),
        "rules": rules, "form": form, "waiting": ask.waiting_list(store, on, rules) if on == today else [],
    }  # fmt: skip
    context["guests"] = sum(row.party for row in context["rows"])
    context["doubt"] = (
        doubted(store, request.GET.get("table", ""), now()) if "waiting" in request.GET else None
    )
    return render(request, "customers/bookings.html", context, status=status)


@require_http_methods(["GET", "POST", "HEAD"])
def new(request: PageRequest) -> HttpResponse:
    """Book a table: for a guest named in the address, or one that is found by number."""
    store = request.principal.store
    guest = _guest(request)
    kwargs: dict[str, Any] = {"store": store, "customer_id": guest.customer_id if guest else None}
    if request.method != "POST":
        told = {
            "on": _day(request.GET.get("on", "")) or today_of(request), "arrives": DINNER,
            "party": _number(request.GET.get("party", "")), "dishes": request.GET.get("dishes", "")[:1000],
            "needs": guest.customer.needs if guest else [],
        }  # fmt: skip
        return _new_page(request, BookingForm(initial=told, **kwargs), guest)
    form = BookingForm(request.POST, **kwargs)
    if form.is_valid():
        try:
            made = bookings.book(store=store, actor=person_of(request), at=now(), **form.said())
        except Refused as refused:
            if refused.status == 404:
                tell(request, refused)
            form.refuse(refused)
        else:
            messages.success(request, _("已预订：%(what)s。") % {"what": _words(made)})
            return redirect("booking", made.pk)
    return _new_page(request, form, guest, status=422)


def _words(booking: Booking) -> str:
    told = {
        "who": booking.customer.called,
        "on": f"{booking.on:%Y-%m-%d}",
        "time": f"{booking.arrives:%H:%M}",
    }
    return _("%(who)s，%(on)s %(time)s，%(n)s 位") % {**told, "n": booking.party}


def _guest(request: PageRequest) -> Patronage | None:
    """The guest named in the address; one of another store is not found."""
    pk = _number(request.GET.get("guest", ""))
    if pk is None:
        return None
    return found(guests_of(request.principal.store).filter(customer_id=pk).first())


def _new_page(
    request: PageRequest, form: BookingForm, guest: Patronage | None, status: int = 200
) -> HttpResponse:
    context = {"form": form, "guest": guest, "rules": bookings.booking_rules_of(request.principal.store)}
    return render(request, "customers/booking_new.html", context, status=status)


@require_safe
def one(request: PageRequest, pk: int) -> HttpResponse:
    """One booking: what was said, and the tables it may be given."""
    store = request.principal.store
    booking = found(ask.bookings_of(store).select_related("settled_by").filter(pk=pk).first())
    may = request.principal.role in who_may("booking-act", "POST")
    tables = ask.tables_offered(store, booking) if may and booking.is_coming else []
    here = booking.customer.patronages_here[0]  # type: ignore[attr-defined]
    context = {
        "booking": booking, "guest": here, "tables": tables, "is_today": _is_today(request, booking),
        "changes": ask.changes_of(booking),
        "doubt": doubted(store, request.GET.get("table", ""), now(), booking.customer_id),
    }  # fmt: skip
    return render(request, "customers/booking.html", context)


@require_http_methods(["GET", "POST", "HEAD"])
def change(request: PageRequest, pk: int) -> HttpResponse:
    """Change a booking that stands: the form in which it was made, with its table."""
    store = request.principal.store
    booking = found(ask.bookings_of(store).filter(pk=pk).first())
    if not booking.is_coming:
        tell(request, Refused("booking_over", status=409, state=booking.get_state_display()))
        return redirect("booking", pk)
    form = BookingChangeForm(request.POST or None, store=store, booking=booking)
    if form.is_bound and form.is_valid():
        try:
            changed = bookings.change_booking(
                store=store, booking_id=pk, actor=person_of(request), at=now(), **form.said()
            )
        except Refused as refused:
            if refused.status == 404:
                tell(request, refused)
            form = _asked_again(request, booking) if refused.code == "booking_changed" else form
            form.refuse(refused)
        else:
            messages.success(request, _("已改：%(what)s。") % {"what": _words(changed)})
            return redirect("booking", pk)
    here = booking.customer.patronages_here[0]  # type: ignore[attr-defined]
    context = {
        "form": form, "guest": here, "booking": booking, "rules": bookings.booking_rules_of(store),
        "changes": ask.changes_of(booking),
    }  # fmt: skip
    return render(request, "customers/booking_new.html", context, status=422 if form.errors else 200)


def _asked_again(request: PageRequest, booking: Booking) -> BookingChangeForm:
    """The same form, by somebody who has now seen the latest change."""
    told = request.POST.copy()
    told["seen"] = str(bookings.last_change(booking))
    again = BookingChangeForm(told, store=request.principal.store, booking=booking)
    again.is_valid()
    return again


@require_POST
def act(request: PageRequest, pk: int) -> HttpResponse:
    """Confirm, cancel, give a table, seat; back to where one came from."""
    store = request.principal.store
    booking = found(Booking.objects.select_related("table", "customer").filter(store=store, pk=pk).first())
    back = safe_next(request, f"{reverse('bookings')}?on={booking.evening_at(store):%Y-%m-%d}")
    said: dict[str, Any] = {"store": store, "actor": person_of(request), "at": now()}
    what, table = request.POST.get("act", ""), request.POST.get("table", "")
    try:
        if what == "confirm":
            bookings.confirm_booking(booking_id=pk, **said)
            messages.success(request, _("已确认：%(what)s。") % {"what": _words(booking)})
        elif what == "cancel":
            bookings.cancel_booking(booking_id=pk, **said)
            messages.success(request, _("已取消：%(what)s。") % {"what": _words(booking)})
        elif what == "table":
            given = bookings.give_table(booking_id=pk, table_id=_number(table) or 0, **said)
            messages.success(request, _("已排 %(table)s 号台。") % {"table": given.table})
        elif what == "seat":
            _must_be_today(request, booking)
            number = table or (booking.table.number if booking.table else "")
            known = _number(request.POST.get("despite", ""))
            arrivals.arrive(
                customer_id=booking.customer_id, table=number, booking_id=pk, despite_id=known, **said
            )
            messages.success(
                request, _("%(who)s 已入座 %(table)s。") % {"who": booking.customer.called, "table": number}
            )
    except Refused as refused:
        if refused.code == "table_awaited":
            return redirect(f"{reverse('booking', args=[pk])}?{urlencode({'table': number})}")
        tell(request, refused)
    return redirect(back)


def _is_today(request: PageRequest, booking: Booking) -> bool:
    """Whether its evening is the present one: half past midnight is of the evening before."""
    return booking.evening_at(request.principal.store) == today_of(request)


def _must_be_today(request: PageRequest, booking: Booking) -> None:
    if not _is_today(request, booking) or not booking.is_coming:
        raise Refused("booking_not_today", status=409)


@require_safe
def slip(request: PageRequest, pk: int) -> HttpResponse:
    """What the kitchen has to know of a booking, to print: allergies first."""
    booking = found(ask.bookings_of(request.principal.store).filter(pk=pk).first())
    return render(request, "customers/booking_slip.html", {"booking": booking})


# ---- at the door ---------------------------------------------------------------------------------------------


@require_POST
def waiting_join(request: PageRequest) -> HttpResponse:
    """Somebody waits for a table."""
    form = WaitingForm(request.POST, store=request.principal.store)
    if form.is_valid():
        try:
            row = arrivals.join_waiting(
                store=request.principal.store, actor=person_of(request), at=now(), **form.said()
            )
        except Refused as refused:
            form.refuse(refused)
        else:
            messages.success(request, _("%(who)s 已在等位。") % {"who": row.called})
            return redirect("bookings")
    return _day_page(request, form, status=422)


@require_POST
def waiting_act(request: PageRequest, pk: int) -> HttpResponse:
    """Call a party, seat it, or it is gone."""
    store = request.principal.store
    found(Waiting.objects.filter(store=store, pk=pk).first())
    said: dict[str, Any] = {"store": store, "waiting_id": pk, "actor": person_of(request), "at": now()}
    what, table = request.POST.get("act", ""), request.POST.get("table", "").strip()
    try:
        if what == "call":
            arrivals.call_waiting(**said)
        elif what == "gone":
            arrivals.close_waiting(**said)
        elif what == "seat":
            if not table:
                raise Refused("table_missing", field="table")
            known = _number(request.POST.get("despite", ""))
            row = arrivals.close_waiting(**said, table=table, despite_id=known)
            messages.success(request, _("%(who)s 已入座 %(table)s。") % {"who": row.called, "table": table})
    except Refused as refused:
        if refused.code == "table_awaited":
            return redirect(
                f"{reverse('bookings')}?{urlencode({'waiting': pk, 'table': table})}#waiting-{pk}"
            )
        tell(request, refused)
    return redirect("bookings")


# ---- the tables, the rules -----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST", "HEAD"])
def tables(request: PageRequest) -> HttpResponse:
    """The tables of the store, and how they are kept."""
    store = request.principal.store
    rules = bookings.booking_rules_of(store)
    kept = {name: getattr(rules, name) for name in ("priority_tiers", "held_days", "sitting_minutes")}
    is_rules = request.POST.get("what") == "rules"
    table = TableForm(request.POST if request.method == "POST" and not is_rules else None)
    house = BookingRulesForm(request.POST if is_rules else None, initial=kept)
    if is_rules and house.is_valid():
        bookings.change_booking_rules(house.rules(store))
        messages.success(request, _("已保存。"))
        return redirect("dining-tables")
    if table.is_bound and table.is_valid():
        try:
            added = bookings.add_table(store=store, **table.cleaned_data)
            messages.success(request, _("已加上 %(table)s 号台。") % {"table": added})
            return redirect("dining-tables")
        except Refused as refused:
            table.refuse(refused)
    context = {"tab": "tables", "rows": ask.tables_of(store), "form": table, "rules_form": house}
    return render(
        request, "customers/tables.html", context, status=422 if table.errors or house.errors else 200
    )


@require_POST
def table_remove(request: PageRequest, pk: int) -> HttpResponse:
    """Take a table away."""
    try:
        gone = bookings.remove_table(store=request.principal.store, table_id=pk, at=now())
        messages.success(request, _("已去掉 %(table)s 号台。") % {"table": gone})
    except Refused as refused:
        tell(request, refused)
    return redirect("dining-tables")


@require_POST
def menu(request: PageRequest, pk: int) -> HttpResponse:
    """Keep a guest's own menu; back to the guest."""
    store = request.principal.store
    found(guests_of(store).filter(customer_id=pk).first())
    form = MenuForm(request.POST)
    if form.is_valid():
        saved = arrivals.save_menu(
            store=store, customer_id=pk, actor=person_of(request), at=now(), **form.cleaned_data
        )
        messages.success(request, _("专属菜单已保存。") if saved else _("已没有专属菜单。"))
    else:
        messages.error(request, str(next(iter(form.errors.values()))[0]))
    return redirect("customer", pk)
