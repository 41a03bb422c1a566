"""What care earned: the page of results, and how long one waits for a guest."""

from datetime import date, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.forms.outcomes import OutcomeDaysForm
from care.selectors.campaigns import campaigns_over
from care.selectors.outcomes import results_of
from care.services.outcomes import change_days, days_set
from staff.pages import PageRequest, today_of

SPANS = (30, 90, 365)
_USUAL = 90
_EARLIEST = date(2000, 1, 1)


@require_safe
def results(request: PageRequest) -> HttpResponse:
    """Per plan line: gestures, who came back, what they spent, against those who had none; over a period.
    Campaigns against those held out by lot.
    """
    store, today = request.principal.store, today_of(request)
    first, last = _period(request.GET.get("first", ""), request.GET.get("last", ""), today)
    rows = results_of(store, first, last)
    context = {
        "rows": rows,
        "campaigns": campaigns_over(store, first, last),
        "made": sum(row.earned.made for row in rows),
        "came": sum(row.earned.came for row in rows),
        "spend_fen": sum(row.earned.spend_fen for row in rows),
        "first": first,
        "last": last,
        "spans": [(days, today - timedelta(days=days - 1)) for days in SPANS],
        "today": today,
        "form": OutcomeDaysForm.showing(days_set(store)),
    }
    return render(request, "care/outcomes.html", context)


def _period(first: str, last: str, today: date) -> tuple[date, date]:
    """The period asked for; the last 90 days where that is none."""
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return today - timedelta(days=_USUAL - 1), today
    if not _EARLIEST <= begin <= end <= today:
        return today - timedelta(days=_USUAL - 1), today
    return begin, end


@require_POST
def results_days(request: PageRequest) -> HttpResponse:
    """Say how many days a guest has to come back."""
    form = OutcomeDaysForm(request.POST)
    if form.is_valid():
        change_days(store=request.principal.store, days=form.days())
        messages.success(request, _("天数已保存，对还没结算的关怀有效。"))
    else:
        messages.error(request, _("天数要在 1 到 90 之间，没有保存。"))
    return redirect("care-results")
