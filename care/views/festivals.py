"""The calendar of festivals: which there are, on which day of the coming years, what the plan does about each."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from care.festivals import Calendar, Occurrence
from care.forms.festivals import FestivalActForm, FestivalForm
from care.models import OwnFestival
from care.playbook import Line
from care.selectors.plans import living_plan
from care.services import festivals as verbs
from care.services import plans
from common.clock import now
from common.errors import Refused
from staff.models import Role
from staff.pages import PageRequest, person_of, tell, today_of
from tiering.selectors.schemes import in_force

YEARS = 3


@dataclass(frozen=True)
class Row:
    """One festival on the page: its days by calendar year, the next of them, the plan's lines that name it."""

    code: str
    zh: str
    en: str
    cheerful: bool
    is_off: bool
    own: OwnFestival | None
    years: list[list[Occurrence]]
    next_on: date | None
    lines: list[Any]

    @property
    def coming(self) -> list[Occurrence]:
        """The days that may still be corrected."""
        return [each for year in self.years for each in year if self.next_on and each.on >= self.next_on]


def calendar(request: PageRequest) -> HttpResponse:
    """The festivals of this and the coming years; a festival of the house more."""
    store, today = request.principal.store, today_of(request)
    form = FestivalForm(request.POST or None, initial={"kind": OwnFestival.Kind.SOLAR})
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.add_festival(
                store=store, whole_brand=_whole_brand(request, form.cleaned_data), actor=person_of(request),
                at=now(), today=today, **form.said(),
            )  # fmt: skip
            told = _("已加上“%(name)s”。在关怀计划里选上它，才会开任务、发短信。")
            messages.success(request, told % {"name": made.name})
            return redirect("festivals")
        except Refused as refused:
            form.refuse(refused)
    years = [today.year + n for n in range(YEARS)]
    adoption = in_force(store.pk, today)
    scheme = adoption.version.scheme.code if adoption else plans.DEFAULT
    living = living_plan(store, scheme)
    lines: list[Any] = list(living.lines.all()) if living else list(plans.playbook_for(scheme).lines)
    rows = _rows(verbs.calendar_of(store), verbs.festivals_of(store), lines, today)
    context = {
        "form": form, "years": years, "months": _by_month(rows), "off": [row for row in rows if row.is_off],
        "is_hq": request.principal.role == Role.HQ, "today_on": today,
    }  # fmt: skip
    return render(request, "care/calendar.html", context, status=422 if form.errors else 200)


def _whole_brand(request: PageRequest, said: dict[str, Any]) -> bool:
    """Only those who lead the brand speak for all of its stores."""
    return request.principal.role == Role.HQ and bool(said["whole_brand"])


def _rows(kept: Calendar, own: list[OwnFestival], lines: list[Line], today: date) -> list[Row]:
    houses = {verbs.own_code(each.name, each.store_id): each for each in own}
    days: dict[str, list[list[Occurrence]]] = {code: [[] for _n in range(YEARS)] for code in kept.names()}
    # One year more: what is over for this year has a next day all the same.
    following: dict[str, date] = {}
    for n in range(YEARS + 1):
        for each in sorted(kept.all_in(today.year + n), key=lambda each: each.on):
            if n < YEARS:
                days[each.code][n].append(each)
            if each.on > today:
                following.setdefault(each.code, each.on)
    solemn = {each.code for n in range(YEARS) for each in kept.all_in(today.year + n) if not each.cheerful}
    rows = [
        Row(
            code, zh, en, code not in solemn, kept.is_off(code), houses.get(code), days[code], following.get(code),
            [line for line in lines if line.trigger == "festival" and line.enabled and code in line.occasions],
        )
        for code, (zh, en) in kept.names().items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row.next_on is None, row.next_on or today, row.code))


def _by_month(rows: list[Row]) -> list[tuple[date | None, list[Row]]]:
    """The rows under the month of their next day; what has none any more comes last."""
    months: dict[date | None, list[Row]] = {}
    for row in rows:
        if not row.is_off:
            months.setdefault(row.next_on.replace(day=1) if row.next_on else None, []).append(row)
    return list(months.items())


@require_POST
def calendar_act(request: PageRequest) -> HttpResponse:
    """A festival switched off or on, taken away, or its day corrected for one year."""
    store, today = request.principal.store, today_of(request)
    form = FestivalActForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect("festivals")
    said = form.cleaned_data
    who: dict[str, Any] = {
        "store": store,
        "whole_brand": _whole_brand(request, said),
        "code": said["code"],
        "at": now(),
    }
    done = _("已保存，从今晚起按新的日历走；已经开出、还没做的任务会跟着改。")
    try:
        if said["act"] == "remove":
            verbs.remove_festival(**who)
        elif said["act"] in ("on", "off"):
            verbs.switch_festival(**who, off=said["act"] == "off", actor=person_of(request))
        else:
            to = (
                said["to"]
                if said["act"] == "move"
                else verbs.usual_day(store, said["code"], said["year"], today)
            )
            verbs.move_festival(**who, year=said["year"], on=to, actor=person_of(request), today=today)
        messages.success(request, done)
    except Refused as refused:
        tell(request, refused)
    return redirect(reverse("festivals"))
