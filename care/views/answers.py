"""Pages about single guests and their table: days of their own, tables kept for a festival, who served, words to send."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.forms.answers import AnniversaryForm, NewsForm, ServedForm
from care.models import Channel
from care.selectors.quota import continuity, in_time, quotas, seen_between, whole
from care.services.anniversaries import forget_anniversary, tell_anniversary
from care.services.served import write_served
from care.services.words import add_news, news_of, remove_news
from care.views.lists import day_of, month_of
from common.clock import add_months, now
from common.errors import Refused
from customers.models import Visit
from customers.selectors.bookings import booked_days, booked_on, next_booked_day
from staff.access import staff_of
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of
from tiering.selectors.pages import ladder


@require_POST
def anniversary(request: PageRequest, pk: int) -> HttpResponse:
    """A day of the guest's own, told or (`forget`: its id) taken away; back to the guest's care."""
    store = request.principal.store
    back = redirect(safe_next(request, reverse("customer-care", args=[pk])))
    forget = request.POST.get("forget", "")
    form = AnniversaryForm(request.POST)
    try:
        if forget.isascii() and forget.isdigit() and len(forget) < 19:
            forget_anniversary(store=store, customer_id=pk, pk=int(forget))
            messages.success(request, _("已删除这个纪念日。"))
        elif form.is_valid():
            tell_anniversary(
                store=store, customer_id=pk, actor=person_of(request), at=now(), today=today_of(request),
                **form.cleaned_data,
            )  # fmt: skip
            messages.success(request, _("已记下纪念日，到时按关怀计划开任务。"))
        else:
            found(store.patronages.filter(customer_id=pk).first())
            messages.error(request, str(next(iter(form.errors.values()))[0]))
    except Refused as refused:
        tell(request, refused)
    return back


@require_safe
def tables(request: PageRequest) -> HttpResponse:
    """The bookings of a day with the dishes to prepare, to print for the floor and the kitchen."""
    store, today = request.principal.store, today_of(request)
    day = day_of(request.GET.get("on", "")) or next_booked_day(store, today) or today
    context = {
        "tab": "tables", "on": day, "rows": booked_on(store, day), "scheme": ladder(store, today).scheme,
        "days": booked_days(store, today), "before": day - timedelta(days=1), "after": day + timedelta(days=1),
    }  # fmt: skip
    return render(request, "care/list_tables.html", context)


def served(request: PageRequest) -> HttpResponse:
    """Who served the guests who have an owner: of a day, to be written down; and the month's share of the owners."""
    store, today = request.principal.store, today_of(request)
    day = day_of(request.GET.get("on", "")) or today
    people = [person for person, _role in staff_of(store, today)]
    if request.method == "POST":
        _write_served(request, people)
        return redirect(f"{reverse('list-served')}?on={day:%Y-%m-%d}")
    first = day.replace(day=1)
    month = seen_between(store, first, add_months(first, 1) - timedelta(days=1))
    context = {
        "tab": "served", "on": day, "rows": [each for each in month if each.visit.business_date == day],
        "month": continuity(month), "first": first, "people": people, "today": today, "scheme": ladder(store, today).scheme,
        "before": day - timedelta(days=1), "after": day + timedelta(days=1),
    }  # fmt: skip
    return render(request, "care/list_served.html", context)


def _write_served(request: PageRequest, people: list[Any]) -> None:
    form = ServedForm(request.POST)
    visit = Visit.objects.filter(
        store=request.principal.store, external_id=request.POST.get("bill", ""), voided_at=None
    )
    one = found(visit.first())
    person = next(
        (each for each in people if form.is_valid() and str(each.pk) == form.cleaned_data["by"]), None
    )
    if person is None:
        messages.error(request, _("请选一位在职的同事。"))
        return
    try:
        write_served(
            store=request.principal.store, visit_id=one.pk, by=person, note=form.cleaned_data["note"],
            actor=person_of(request), at=now(),
        )  # fmt: skip
        messages.success(request, _("已记下由%(who)s接待。") % {"who": person})
    except Refused as refused:
        tell(request, refused)


def news(request: PageRequest) -> HttpResponse:
    """Words for the weekend greeting, by trade."""
    store, today = request.principal.store, today_of(request)
    form = NewsForm(request.POST or None, initial={"until": f"{today + timedelta(days=7):%Y-%m-%d}"})
    if request.method == "POST" and (gone := request.POST.get("remove", "")):
        try:
            remove_news(
                store=store, pk=int(gone) if gone.isascii() and gone.isdigit() and len(gone) < 19 else 0
            )
        except Refused as refused:
            tell(request, refused)
        return redirect("trade-news")
    if request.method == "POST" and form.is_valid():
        try:
            add_news(store=store, actor=person_of(request), at=now(), today=today, **form.cleaned_data)
            messages.success(request, _("已保存，今晚写进还没做的周末问候里。"))
            return redirect("trade-news")
        except Refused as refused:
            form.refuse(refused)
    context = {"form": form, "rows": list(news_of(store)[:100]), "today_on": today}
    return render(request, "care/trade_news.html", context, status=422 if form.errors else 200)


@require_safe
def quota(request: PageRequest) -> HttpResponse:
    """The month's contacts by person, done of owed; what had to be done within days, in time or late."""
    store, today = request.principal.store, today_of(request)
    first = month_of(request.GET.get("month", "")) or today.replace(day=1)
    rows = quotas(store, first, today)
    channels = [(code, label) for code, label in Channel.choices if any(code in row.channels for row in rows)]
    context = {
        "first": first, "rows": rows, "total": whole(rows), "channels": channels, "in_time": in_time(store, first),
        "before": add_months(first, -1), "after": add_months(first, 1), "today_on": today,
    }  # fmt: skip
    return render(request, "care/quotas.html", context)
