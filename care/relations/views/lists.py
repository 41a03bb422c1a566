"""The lists of the long relation: guests to win back, return visits of a week, guests with feedback, letters."""

import csv
from datetime import date, datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from care.playbook import LAPSED_AFTER_DAYS
from care.relations.forms import ReturnForm
from care.relations.selectors import lists
from care.relations.selectors.card import put_kinds, put_topics
from care.relations.services.calls import open_win_back, plan_return
from care.relations.services.opening import rules_of
from care.sentences import reason_words
from care.views.lists import day_of
from common.clock import moment_of, now
from common.errors import Refused
from customers.models import Patronage
from staff.access import staff_of
from staff.pages import PageRequest, person_of, tell, today_of
from tiering.selectors.pages import ladder

REPORT_DAYS = 180
# What a table program would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def win_back(request: PageRequest) -> HttpResponse:
    """Who has lapsed, to be put on a list; what came of those who were called, by the reason they gave."""
    store, today = request.principal.store, today_of(request)
    if request.method == "POST":
        ids = [
            int(pk) for pk in request.POST.getlist("guest") if pk.isascii() and pk.isdigit() and len(pk) < 19
        ]
        try:
            opened = open_win_back(
                store=store, customer_ids=ids, actor=person_of(request), at=now(), today=today
            )
            messages.success(request, _("%(n)s 位客人已列入挽回电话，在任务里。") % {"n": opened})
        except Refused as refused:
            tell(request, refused)
        return redirect("list-win-back")
    first = day_of(request.GET.get("from", "")) or today - timedelta(days=REPORT_DAYS - 1)
    last = day_of(request.GET.get("to", "")) or today
    last = max(first, last)
    span = (_begin(request, first), _begin(request, last + timedelta(days=1)))
    days = rules_of(store).win_back_days
    context = {
        "tab": "win-back", "report": lists.won_back_report(store, span, days, today), "days": days, "first": first,
        "last": last, "lapsed": lists.lapsed_guests(store, today), "waiting": lists.open_win_backs(store),
        "after": LAPSED_AFTER_DAYS, "scheme": ladder(store, today).scheme,
    }  # fmt: skip
    return render(request, "care/relations/win_back.html", context)


def _begin(request: PageRequest, day: date) -> datetime:
    store = request.principal.store
    return moment_of(day, store.day_ends_at, store.timezone)


def returns(request: PageRequest) -> HttpResponse:
    """The return visits of a week: who, when, by what; how many were done and what was suggested."""
    store, today = request.principal.store, today_of(request)
    monday = _monday(request.GET.get("week", "")) or today - timedelta(days=today.weekday())
    people = [person for person, _role in staff_of(store, today) if person.is_active]
    initial = {"guest": request.GET.get("guest", "")[:64], "on": max(today, monday)}
    form = ReturnForm(request.POST or None, store=store, people=people, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            task = plan_return(
                store=store, customer_id=said["guest"], on=said["on"], channel=said["channel"],
                to=form.people.get(said["to"]), actor=person_of(request), at=now(),
            )  # fmt: skip
            messages.success(request, _("回访已安排。"))
            return redirect(f"{reverse('list-returns')}?week={_week(task.due_on)}")
        except Refused as refused:
            form.refuse(refused)
    week = lists.week_of_returns(store, monday)
    put_topics(store, week.tasks)
    put_kinds(store, week.tasks)
    context = {
        "tab": "returns", "week": week, "monday": monday, "sunday": monday + timedelta(days=6), "form": form,
        "before": _week(monday - timedelta(days=7)), "after": _week(monday + timedelta(days=7)),
        "number": monday.isocalendar().week, "scripts": lists.scripts_of(store),
    }  # fmt: skip
    return render(request, "care/relations/returns.html", context, status=422 if form.errors else 200)


def _monday(text: str) -> date | None:
    """The Monday of a week written as `2026-W23`; None for anything else."""
    try:
        day = datetime.strptime(f"{text}-1", "%G-W%V-%u").date()
    except ValueError:
        return None
    return day if 1950 <= day.year < 2090 else None


def _week(day: date) -> str:
    year, week, _day = day.isocalendar()
    return f"{year}-W{week:02}"


@require_safe
def voices(request: PageRequest) -> HttpResponse:
    """Everybody who complained or suggested something."""
    store, today = request.principal.store, today_of(request)
    context = {
        "rows": lists.voices(store), "days": rules_of(store).follow_up_days, "scheme": ladder(store, today).scheme,
    }  # fmt: skip
    return render(request, "care/relations/voices.html", context)


@require_safe
def labels(request: PageRequest) -> HttpResponse:
    """Address labels to print for the guests who like to get a card; with `?as=csv` a table."""
    found = lists.letters(request.principal.store)
    if request.GET.get("as") == "csv":
        return _table(found.labels, request.principal.store.code)
    faults = [(guest, reason_words(reason)) for guest, reason in found.faults]
    context = {"tab": "labels", "labels": found.labels, "faults": faults, "most": lists.LABELS_AT_MOST}
    return render(request, "care/relations/labels.html", context)


def _table(rows: list[Patronage], code: str) -> HttpResponse:
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="labels-{code}.csv"'
    writer = csv.writer(answer)
    writer.writerow([_("客户编号"), _("姓名"), _("称呼"), _("地址")])
    for each in rows:
        guest = each.customer
        writer.writerow(
            [_plain(text) for text in (each.external_id, guest.name, guest.salutation, guest.address)]
        )
    return answer


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
