"""Who has arrived: seated from the tablet, told to the owner, seen; who waits on which tables."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from care.selectors.plans import governing
from common.clock import now
from common.errors import Refused
from customers.models import Customer
from customers.selectors.arrivals import (
    arrived_on,
    put_patronages,
    seated_at,
    sitting_on,
    tables_of_duty,
    unseen_by,
    whole,
)
from customers.selectors.bookings import coming_on, tables_of
from customers.selectors.listing import guests_of
from customers.services.arrivals import acknowledge, arrive, choose_tables
from staff.models import Role
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of
from tablet.selectors import ladder_of, told

COMING_SHOWN = 8


def _leads(request: PageRequest) -> bool:
    return request.principal.is_at_least(Role.MANAGER)


def tables_now(request: PageRequest) -> dict[str, Any]:
    """Whom this person has to see, who sits at the own tables, who is still to come today (to the own tables)."""
    store, day, person = request.principal.store, today_of(request), person_of(request)
    mine, sitting, coming = tables_of_duty(store, person, day), sitting_on(store, day), coming_on(store, day)
    unseen = unseen_by(person, _leads(request), sitting)
    if mine:
        coming = [row for row in coming if row.table is not None and row.table.number in mine]
    seated = seated_at(mine, sitting)
    guests = [row.customer for row in (*unseen, *seated)] + [row.customer for row in coming[:COMING_SHOWN]]
    put_patronages(store, guests)
    return {
        "alerts": told(store, whole(store, unseen), day),
        "my_tables": mine,
        "seated": seated,
        "coming": coming[:COMING_SHOWN],
        "more_coming": max(0, len(coming) - COMING_SHOWN),
    }


@require_safe
def alerts(request: PageRequest) -> HttpResponse:
    """The part of the tablet's first page that asks again every twenty seconds."""
    if not request.htmx:
        return redirect("tablet")
    return render(request, "tablet/alerts.html", tables_now(request))


@require_safe
def arrivals(request: PageRequest) -> HttpResponse:
    """Who was seated today, with what to know; as a panel: only whom this person has not seen yet."""
    store, day = request.principal.store, today_of(request)
    governed = governing(store, day)
    scheme = ladder_of(governed)
    if request.htmx:
        unseen = unseen_by(person_of(request), _leads(request), sitting_on(store, day))
        put_patronages(store, [row.customer for row in unseen])
        panel = {"rows": told(store, whole(store, unseen), day, governed), "scheme": scheme}
        return render(request, "tablet/arrivals_panel.html", panel)
    rows = told(store, arrived_on(store, day), day, governed)
    context = {
        "tab": "arrivals",
        "rows": rows,
        "scheme": scheme,
        "me": person_of(request),
        "leads": _leads(request),
    }
    return render(request, "tablet/arrivals.html", context)


@require_POST
def arrival_act(request: PageRequest, pk: int) -> HttpResponse:
    """This person has seen that the guest is here."""
    try:
        seen = acknowledge(
            store=request.principal.store,
            arrival_id=pk,
            actor=person_of(request),
            leads=_leads(request),
            at=now(),
        )
    except Refused as refused:
        tell(request, refused)
    else:
        messages.success(request, _("已记下：%(who)s，您已看到。") % {"who": seen.customer.called})
    return redirect(safe_next(request, reverse("tablet")))


@require_POST
def seat(request: PageRequest, pk: int) -> HttpResponse:
    """The guest sits: one key on the card, the table beside it."""
    store, known = request.principal.store, request.POST.get("despite", "")
    guest: Customer = found(guests_of(store).filter(customer_id=pk).first()).customer
    try:
        here = arrive(
            store=store,
            customer_id=pk,
            table=request.POST.get("table", ""),
            despite_id=int(known) if known.isascii() and known.isdigit() and len(known) < 19 else None,
            actor=person_of(request),
            at=now(),
        )
    except Refused as refused:
        if refused.code == "table_awaited":
            asked = urlencode({"table": request.POST["table"][:40]})
            return redirect(f"{reverse('tablet-guest', args=[pk])}?{asked}")
        tell(request, refused)
    else:
        said = {"who": guest.called, "table": here.table_no}
        messages.success(request, _("%(who)s 已入座 %(table)s。") % said)
    return redirect("tablet-guest", pk)


@require_http_methods(["GET", "POST", "HEAD"])
def my_tables(request: PageRequest) -> HttpResponse:
    """The tables this person waits on today."""
    store, person, day = request.principal.store, person_of(request), today_of(request)
    if request.method == "POST":
        typed = (
            request.POST.get("more", "")[:200].replace("，", " ").replace(",", " ").replace("、", " ").split()
        )
        duty = choose_tables(
            store=store,
            person=person,
            tables=[*request.POST.getlist("table"), *typed],
            actor=person,
            at=now(),
        )
        if duty.tables:
            messages.success(request, _("今天看 %(tables)s。") % {"tables": "、".join(duty.tables)})
        else:
            messages.success(request, _("没有选台：首页列出今天来过的所有客人。"))
        return redirect("tablet")
    mine, tables = tables_of_duty(store, person, day), tables_of(store)
    numbers = [table.number for table in tables]
    more = "、".join(number for number in mine if number not in numbers)
    return render(request, "tablet/tables.html", {"tables": tables, "mine": mine, "more": more})
