"""The floor: find, know, log."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from care.relations.selectors.card import floor_card
from care.selectors.plans import governing
from care.selectors.treatments import treatments_now
from common.clock import now
from common.errors import Refused
from common.money import show_yuan
from common.phones import normalise_phone
from customers.models import Patronage
from customers.models.consent import Source
from customers.models.visit import Entry
from customers.preorder import write_dishes
from customers.selectors.arrivals import doubted, sits
from customers.selectors.bookings import coming_of, menu_of
from customers.selectors.listing import find_guests, look_up
from customers.selectors.people import birthdays, has_birthday_soon, masked_numbers
from customers.services.arrivals import leave
from customers.services.customers import register_customer
from customers.services.visits import record_visit
from loyalty.selectors.giving import kept_for
from loyalty.selectors.vouchers import usable_vouchers_of
from loyalty.services.bills import put_on_bills
from staff.pages import PageRequest, found, person_of, tell, today_of
from tablet.arrival_views import tables_now
from tablet.forms import PARTIES, NewGuestForm, VisitForm
from tablet.selectors import here_today, known_guest, last_visits, owed_to, to_do_now

MOST_FOUND = 8
MOST_BORN = 6


@require_safe
def floor(request: PageRequest) -> HttpResponse:
    """Find: one field, big keys, and who is here or has a birthday today."""
    store, day = request.principal.store, today_of(request)
    tables = tables_now(request)
    # Who chose tables is shown the guests at them, not everybody of today.
    here = [] if tables["my_tables"] else here_today(store, day)
    born = birthdays(store, day, days=1)[:MOST_BORN]
    shown = [row.customer_id for row in here] + [each.patronage.customer_id for each in born]
    context = {
        "here": here,
        "born": born,
        "numbers": masked_numbers(shown),
        "digits": "123456789",
        "letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        **tables,
    }
    return render(request, "tablet/find.html", context)


@require_http_methods(["GET", "POST", "HEAD"])
def find(request: PageRequest) -> HttpResponse:
    """The guests whom the field finds; a whole number comes in the body only."""
    query = (request.POST if request.method == "POST" else request.GET).get("q", "")
    query = query.replace("\x00", "").strip()[:40]
    digits = query.replace(" ", "").replace("-", "")
    context: dict[str, Any] = {"query": query}
    if len(digits) >= 5 and digits.lstrip("+").isdigit():
        if request.method != "POST":
            return redirect("tablet")
        context |= _by_number(request, digits)
    elif query:
        rows = find_guests(request.principal.store, query, size=MOST_FOUND).rows
        context |= {"rows": rows, "numbers": masked_numbers(row.customer_id for row in rows)}
    if request.htmx:
        return render(request, "tablet/results.html", context)
    return render(request, "tablet/found.html", context)


def _by_number(request: PageRequest, digits: str) -> dict[str, Any]:
    try:
        phone = normalise_phone(digits)
    except Refused:
        return {"unfinished": True}
    store = request.principal.store
    cards = look_up(store, phone)
    ids = [card.customer_id for card in cards if card.here]
    rows = list(Patronage.objects.filter(store=store, customer_id__in=ids).select_related("customer"))
    numbers = masked_numbers(row.customer_id for row in rows)
    return {
        "rows": rows,
        "numbers": numbers,
        "number": phone,
        "elsewhere": [card for card in cards if not card.here],
    }


@require_safe
def guest(request: PageRequest, pk: int) -> HttpResponse:
    """Know: the card in one glance, with the log beside it. `?menu`: the guest's own menu stands in the log."""
    return _card(request, pk, None)


def _card(request: PageRequest, pk: int, form: VisitForm | None, status: int = 200) -> HttpResponse:
    store, day = request.principal.store, today_of(request)
    known, governed = found(known_guest(store, pk)), governing(store, day)
    relation = floor_card(store, known.patronage.customer, day)
    menu, seat, coming = menu_of(store, pk), sits(store, pk, day), coming_of(store, pk, day)
    today = next((each for each in coming if each.evening_at(store) == day), None)
    if form is None:
        told = {"dishes": write_dishes(menu.dishes)} if menu and "menu" in request.GET else {}
        form = VisitForm.begin(now(), table=seat.table_no if seat else "", **told)
    context = {
        "menu": menu,
        "seat": seat,
        "booking": today,
        "doubt": doubted(store, request.GET.get("table", ""), now(), pk),
        "seat_table": today.table.number if today and today.table else known.patronage.usual_table,
        "guest": known,
        "patronage": known.patronage,
        "customer": known.patronage.customer,
        "birthday_on": has_birthday_soon(known.patronage.customer.birthday, day),
        "to_do": to_do_now(governed),
        "treatments": treatments_now(store, known.patronage, now(), governed),
        "kept": kept_for(store, pk),
        "vouchers": usable_vouchers_of(store, pk, day),
        "owed": owed_to(store, pk, day),
        "visits": last_visits(store, pk),
        "complaints": relation.open,
        "relation": relation,
        "form": form,
        "parties": PARTIES,
        "keys": ["7", "8", "9", "4", "5", "6", "1", "2", "3", "00", "0", "."],
    }
    return render(request, "tablet/guest.html", context, status=status)


@require_POST
def visit(request: PageRequest, pk: int) -> HttpResponse:
    """Log: once, however often the button was pressed."""
    form = VisitForm(request.POST)
    if not form.is_valid():
        return _card(request, pk, form, status=422)
    said = form.visit(pk)
    try:
        record_visit(
            store=request.principal.store, visit_id=form.cleaned_data["uuid"], visit=said, entry=Entry.TABLET,
            actor=person_of(request), at=now(),
        )  # fmt: skip
    except Refused as refused:
        if refused.status == 404 or refused.code == "customer_unknown":
            found(None)
        form.refuse(refused)
        return _card(request, pk, form, status=422)
    put_on_bills(store=request.principal.store, at=now(), customer_id=pk)
    leave(store=request.principal.store, customer_id=pk, at=now())
    row = found(
        Patronage.objects.filter(store=request.principal.store, customer_id=pk)
        .select_related("customer")
        .first()
    )
    messages.success(
        request,
        _("已记录：%(who)s，%(amount)s%(party)s")
        % {
            "who": row.customer.called,
            "amount": show_yuan(said.amount_fen),
            "party": _("，%(n)s 位") % {"n": said.party_size} if said.party_size else "",
        },
    )
    return redirect("tablet")


@require_http_methods(["GET", "POST", "HEAD"])
def new(request: PageRequest) -> HttpResponse:
    """A new guest: a name and a number; then straight to the card."""
    if request.method != "POST":
        return render(request, "tablet/new.html", {"form": NewGuestForm()})
    if "begin" in request.POST:
        initial = {"phone": request.POST.get("phone", "")[:40]}
        return render(request, "tablet/new.html", {"form": NewGuestForm(initial=initial)})
    form = NewGuestForm(request.POST)
    if form.is_valid():
        try:
            done = register_customer(
                store=request.principal.store, profile=form.profile(), actor=person_of(request), at=now(),
                source=Source.TABLET,
            )  # fmt: skip
        except Refused as refused:
            if refused.status == 404:
                tell(request, refused)
            form.refuse(refused)
        else:
            if done.status == "known":
                messages.info(request, _("这位客人已经有档案，打开的就是。"))
            elif done.status == "linked":
                messages.success(request, _("在别的门店有档案，已经接到本店。"))
            else:
                messages.success(request, _("已为 %(name)s 建档。") % {"name": done.customer.called})
            return redirect("tablet-guest", done.customer.pk)
    return render(request, "tablet/new.html", {"form": form}, status=422)
