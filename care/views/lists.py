"""The lists people work from, as pages: birthdays to print, who stays away, before the shift, the contact log."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.models import Channel
from care.selectors import lists
from common.clock import add_months, moment_of, now
from common.errors import Refused
from customers.models.consent import Source
from customers.selectors.listing import guests_of
from customers.services.customers import Profile, change_customer
from staff.access import staff_of, who_may
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of
from tiering.selectors.pages import ladder

LARGE_YUAN = 20_000


@require_safe
def birthdays(request: PageRequest) -> HttpResponse:
    """The VIPs born in a month (the next one unless asked), to print and to hang up: month and day, never the year."""
    store, today = request.principal.store, today_of(request)
    first = month_of(request.GET.get("month", "")) or add_months(today.replace(day=1), 1)
    context = {
        "tab": "birthdays", "first": first, "rows": lists.birthdays_of_month(store, first, today),
        "before": add_months(first, -1), "after": add_months(first, 1), "scheme": ladder(store, today).scheme,
        **_read(request, f"birthdays:{first:%Y-%m}"),
    }  # fmt: skip
    return render(request, "care/list_birthdays.html", context)


@require_safe
def absent(request: PageRequest) -> HttpResponse:
    """Who has not come for ten days; large guests who have not come for more than two months."""
    store, today = request.principal.store, today_of(request)
    least = _whole(request.GET.get("over", ""), LARGE_YUAN)
    context: dict[str, Any] = {
        "tab": "absent", "lapsed": lists.lapsed_large(store, today, least * 100), "absent": lists.absent(store, today),
        "over": least, "scheme": ladder(store, today).scheme,
    }  # fmt: skip
    if request.principal.role in who_may("list-owner", "POST"):
        context["people"] = [person for person, _role in staff_of(store, today)]
    return render(request, "care/list_absent.html", context)


@require_POST
def owner(request: PageRequest, pk: int) -> HttpResponse:
    """Give a guest of a list to a colleague."""
    store = request.principal.store
    found(guests_of(store).filter(customer_id=pk).first())
    wanted = request.POST.get("owner", "")
    person = next(
        (each for each, _role in staff_of(store, today_of(request)) if str(each.pk) == wanted), None
    )
    back = redirect(safe_next(request, reverse("list-absent")))
    if person is None:
        messages.error(request, _("请选一位在职的同事。"))
        return back
    try:
        change_customer(
            store=store, customer_id=pk, profile=Profile(owner=person), actor=person_of(request), at=now(),
            source=Source.DESK,
        )  # fmt: skip
        messages.success(request, _("负责人已改为 %(name)s。") % {"name": person})
    except Refused as refused:
        tell(request, refused)
    return back


@require_safe
def briefing(request: PageRequest) -> HttpResponse:
    """Before the shift: whom to expect today, five more VIPs to know, who has read it."""
    store, today = request.principal.store, today_of(request)
    told = lists.briefing(store, today)
    context = {
        "tab": "briefing", "briefing": told, "scheme": ladder(store, today).scheme,
        **_read(request, f"briefing:{today.isoformat()}"),
    }  # fmt: skip
    return render(request, "care/list_briefing.html", context)


@require_POST
def read(request: PageRequest) -> HttpResponse:
    """This person has read a list."""
    name = request.POST.get("list", "")
    kind, _colon, when = name.partition(":")
    if (kind == "birthdays" and month_of(when)) or (kind == "briefing" and day_of(when)):
        lists.confirm_read(store=request.principal.store, name=name, person=person_of(request), at=now())
    return redirect(safe_next(request, reverse("list-briefing")))


@require_safe
def contacts(request: PageRequest) -> HttpResponse:
    """What was said to whom on a day: calls, visits, gifts, texts; of one kind if asked."""
    store, today = request.principal.store, today_of(request)
    day = day_of(request.GET.get("on", "")) or today
    channel = request.GET.get("how", "")
    channel = channel if channel in Channel.values else ""
    span = (
        moment_of(day, time(), store.timezone),
        moment_of(day + timedelta(days=1), time(), store.timezone),
    )
    context = {
        "tab": "contacts", "on": day, "rows": lists.contacts(store, span, channel), "channel": channel,
        "channels": Channel.choices, "before": day - timedelta(days=1), "after": day + timedelta(days=1), "today": today,
    }  # fmt: skip
    return render(request, "care/list_contacts.html", context)


def _read(request: PageRequest, name: str) -> dict[str, Any]:
    store = request.principal.store
    return {"name": name, "reading": lists.reading(store, name, person_of(request), today_of(request))}


def month_of(text: str) -> date | None:
    """A month as `2026-06`, by its first day; None for anything else."""
    try:
        first = datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        return None
    return first if 1950 <= first.year < 2090 else None


def day_of(text: str) -> date | None:
    """A day as `2026-06-03`; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1950 <= day.year < 2090 else None


def _whole(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default
