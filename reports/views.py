"""The desk's first page, the nights, the chart of the ladder."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.selectors.tasks import tasks_due
from common.clock import now
from common.errors import Refused
from customers.selectors.people import birthdays, held_visits, slipping_away
from loyalty.selectors.giving import to_buy
from ops.models import Run
from reports import selectors
from reports.services import approve_night
from staff.access import who_may
from staff.pages import PageRequest, person_of, tell, today_of
from tiering.selectors.pages import scheme_behind_labels
from tiering.sentences import tier_name

TASKS_SHOWN = 6
MOVES_SHOWN = 8
LOW_SHOWN = 6
WEEK = 8


@require_safe
def today(request: PageRequest) -> HttpResponse:
    """What the night did, what is due, whose birthday it is, who moved, who stays away, what waits."""
    store, role = request.principal.store, request.principal.role
    day = today_of(request)
    latest = next(iter(selectors.nights(store, most=1)), None)
    due = tasks_due(store, person_of(request), role, day)
    born = birthdays(store, day, WEEK)
    moved = selectors.moved_in(store, latest.run.business_date) if latest else []
    low = to_buy(store) if role in who_may("kept", "GET") else []
    context = {
        "night": latest,
        "due": due,
        "first_tasks": [*due.overdue, *due.today][:TASKS_SHOWN],
        "more_tasks": max(0, due.counts["overdue"] + due.counts["today"] - TASKS_SHOWN),
        "born_today": [each for each in born if each.on == day],
        "born_soon": [each for each in born if each.on > day],
        "moved": moved[:MOVES_SHOWN],
        "more_moved": max(0, len(moved) - MOVES_SHOWN),
        "slipping": slipping_away(store, day),
        "stuck": selectors.stuck_texts(store),
        "held": held_visits(store),
        "low": low[:LOW_SHOWN],
        "low_number": len(low),
        "more_low": max(0, len(low) - LOW_SHOWN),
    }
    return render(request, "reports/today.html", context)


@require_safe
def nights(request: PageRequest) -> HttpResponse:
    """The last thirty nights, step by step; a held one waits here for approval."""
    found = selectors.nights(request.principal.store)
    return render(request, "reports/nights.html", {"nights": found})


@require_POST
def approve(request: PageRequest, pk: int) -> HttpResponse:
    """Let a held night through: a worker takes it up again, and this time the brake does not stop it."""
    try:
        run = approve_night(store=request.principal.store, run_id=pk, actor=person_of(request), at=now())
    except Refused as refused:
        tell(request, refused)
    else:
        if run.state == Run.State.NEW:
            messages.success(request, _("已确认，这一晚马上重新运行。"))
    return redirect("nights")


@require_safe
def tier_chart(request: PageRequest) -> HttpResponse:
    """A slot of the schemes page: guests per tier at the end of each of the past twelve months."""
    store = request.principal.store
    scheme = scheme_behind_labels(store.pk)
    days = selectors.tier_months(store, today_of(request))
    codes = list(scheme.codes) if scheme else []
    codes += sorted({code for day in days for code in day.tiers} - set(codes) - {""})
    names: dict[str, str] = {code: tier_name(scheme, code) if scheme else code for code in codes}
    chart: dict[str, Any] = {
        "months": [f"{day.business_date:%Y-%m}" for day in days],
        "tiers": [
            {"code": code, "name": names[code], "rank": n, "guests": [day.tiers.get(code, 0) for day in days]}
            for n, code in enumerate(codes)
        ],
    }
    name = "reports/tier_chart.html" if request.htmx else "reports/tier_chart_page.html"
    return render(request, name, {"chart": chart, "days": days})
