"""The plan: to read, to change line by line, its older versions, what a store allows its plans."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from care.forms.plans import CareRulesForm, PlanLineForm
from care.models import Plan
from care.playbook import EVERYBODY, BadPlaybook, Line
from care.selectors.plans import (
    codes_working,
    guests_concerned,
    lines_at_night,
    living_plan,
    plan_versions,
)
from care.services import plans
from care.services.festivals import calendar_of
from care.services.house_rules import care_rules_of, change_care_rules
from care.services.working import Door, door_of
from care.treatments import inherited
from common.clock import now
from common.errors import Refused
from loyalty.selectors.vouchers import kind_choices
from staff.access import who_may
from staff.models import Store
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering.axes import MAIN
from tiering.rules import Scheme
from tiering.selectors.schemes import in_force_everywhere, scheme_of
from tiering.selectors.segments import segment_choices
from tiering.sentences import tier_name


@dataclass(frozen=True)
class Desk:
    """Of which scheme the plan is: the main one, or one beside it that has a playbook of its own (`is_main` false).

    `works`: whether it opens tasks; `choices`: the plans there are, each with whether it does.
    """

    store: Store
    code: str
    scheme: Scheme | None
    door: Door
    works: bool
    choices: list[tuple[str, Scheme, bool]]

    @property
    def is_main(self) -> bool:
        """Whether it is the plan of the ladder."""
        return self.door.axis == MAIN

    @property
    def here(self) -> str:
        """The address of this plan."""
        return f"{reverse('plan')}?scheme={self.code}"

    def who(self, request: PageRequest) -> dict[str, Any]:
        """What every verb is told."""
        return {"store": self.store, "scheme_code": self.code, "actor": person_of(request), "at": now()}


def _desk(request: PageRequest, code: str = "") -> Desk:
    """The plan that the address names (or `code`), else that of the ladder."""
    store = request.principal.store
    plans_of: dict[str, tuple[Door, Scheme | None]] = {}
    for adoption in in_force_everywhere(store.pk, today_of(request)):
        door = door_of(adoption)
        if door.axis == MAIN or plans.shipped_lines(door.code, door.axis):
            plans_of[door.code] = door, scheme_of(adoption.version)
    if not any(door.axis == MAIN for door, _scheme in plans_of.values()):
        plans_of = {plans.DEFAULT: (Door(plans.DEFAULT, MAIN), None), **plans_of}
    ladder, *beside = plans_of
    working = {ladder, *(codes_working(store, beside) if beside else ())}
    wanted = code or request.GET.get("scheme", "")
    door, scheme = plans_of.get(wanted, plans_of[ladder])
    shown = [(each, rules, each in working) for each, (_door, rules) in plans_of.items() if rules]
    return Desk(store, door.code, scheme, door, door.code in working, shown)


@require_safe
def plan(request: PageRequest) -> HttpResponse:
    """What the store owes which tier, and when: the plan of the scheme in force."""
    desk = _desk(request)
    living = living_plan(desk.store, desk.code)
    lines: list[Any] = list(living.lines.all()) if living else list(plans.playbook_for(desk.code).lines)
    return render(
        request, "care/plan.html", _plan_context(request, desk, living, lines) | {"versions": bool(living)}
    )


def _plan_context(request: PageRequest, desk: Desk, shown: Plan | None, lines: list[Any]) -> dict[str, Any]:
    tiers = list(desk.scheme.codes) if desk.scheme else []
    tiers += [tier for tier in dict.fromkeys(line.tier for line in lines) if tier not in (*tiers, EVERYBODY)]
    pure = [plans.line_of(line) if not isinstance(line, Line) else line for line in lines]
    inherits = bool(shown and shown.inherits)
    groups = [
        (
            tier,
            [line for line in pure if line.tier == tier],
            inherited(pure, tiers, tier) if inherits else [],
        )
        for tier in tiers
    ]
    at_night = [] if desk.is_main else lines_at_night(pure)
    return {
        "desk": desk,
        "at_night": len(at_night),
        "concerned": guests_concerned(desk.store, desk.door, at_night),
        "groups": [(tier, owed) for tier, owed, _up in groups if owed],
        "coming_up": {tier: up for tier, _owed, up in groups if up},
        "everybody": [line for line in pure if line.tier == EVERYBODY],
        "segment_names": dict(segment_choices(desk.store, *(line.segment for line in pure))),
        "kind_names": dict(kind_choices(desk.store, *(line.gives for line in pure))),
        "scheme": desk.scheme,
        "living": shown,
    }


def plan_line(request: PageRequest, code: str) -> HttpResponse:
    """One line to change, or to take away. What cannot be meant is said beside the field."""
    desk = _desk(request)
    living = living_plan(desk.store, desk.code)
    lines = (
        [plans.line_of(row) for row in living.lines.all()] if living else plans.playbook_for(desk.code).lines
    )
    line = found(next((each for each in lines if each.code == code), None))
    known = calendar_of(desk.store).names()
    form = PlanLineForm(
        request.POST or None, initial=PlanLineForm.showing(line), tiers=[line.tier], festivals=known,
        kinds=kind_choices(desk.store, line.gives), segments=segment_choices(desk.store, line.segment),
        of_ladder=desk.is_main,
    )  # fmt: skip
    if request.method == "POST" and request.POST.get("act") == "remove":
        try:
            plans.remove_line(**desk.who(request), code=code)
            messages.success(request, _("已删除：%(what)s。已经开出的任务还在。") % {"what": line.zh})
        except Refused as refused:
            tell(request, refused)
        return redirect(desk.here)
    if request.method == "POST" and form.is_valid():
        try:
            plans.change_line(**desk.who(request), code=code, **form.changes())
            _tell_saved(request, desk, _("已保存，从今晚起按新的开任务。"))
            return redirect(desk.here)
        except BadPlaybook:
            form.add_error(None, _("这样的安排做不到，请检查触发时机、方式和天数。"))
    return _form_page(request, desk, form, line)


def plan_line_new(request: PageRequest) -> HttpResponse:
    """One line more."""
    desk = _desk(request)
    tiers = [*(desk.scheme.codes if desk.scheme else ()), EVERYBODY]
    first = request.GET.get("tier", "")
    known = calendar_of(desk.store).names()
    form = PlanLineForm(
        request.POST or None, initial={**PlanLineForm.EMPTY, "tier": first}, tiers=tiers, festivals=known,
        kinds=kind_choices(desk.store), segments=segment_choices(desk.store), of_ladder=desk.is_main,
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        said = form.changes()
        try:
            taken = plans.codes_used(desk.store, desk.code)
            code = plans.free_code(taken, form.cleaned_data["tier"], said["trigger"])
            line = Line(code=code, **said)
            plans.add_line(**desk.who(request), line=line)
            _tell_saved(request, desk, _("已加上，从今晚起按新的开任务。"))
            return redirect(desk.here)
        except BadPlaybook:
            form.add_error(None, _("这样的安排做不到，请检查触发时机、方式和天数。"))
        except Refused as refused:
            form.refuse(refused)
    return _form_page(request, desk, form, None)


def _tell_saved(request: PageRequest, desk: Desk, told: str) -> None:
    messages.success(request, told if desk.works else _("已保存。这份计划还没有打开，不会开任务。"))


def _form_page(request: PageRequest, desk: Desk, form: PlanLineForm, line: Line | None) -> HttpResponse:
    context = {"desk": desk, "form": form, "line": line, "scheme": desk.scheme}
    return render(request, "care/plan_line.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def plan_ready(request: PageRequest) -> HttpResponse:
    """Ready-made gestures to take into the plan: ticked, for one tier."""
    desk = _desk(request)
    tiers = [*(desk.scheme.codes if desk.scheme else ()), EVERYBODY]
    ticked, tier = set(request.POST.getlist("line")), request.POST.get("tier", "")
    error = ""
    if request.method == "POST":
        wanted = [
            line for each in plans.ready_sets() for line in each.lines if f"{each.code}:{line.code}" in ticked
        ]
        try:
            if tier not in tiers:
                raise Refused("field_not_a_choice", choices=" / ".join(tiers))
            added = plans.add_ready(**desk.who(request), lines=wanted, tier=tier)
            said = ngettext(
                "已加进 %(n)s 条，从今晚起按新的开任务。", "已加进 %(n)s 条，从今晚起按新的开任务。", added
            )
            told = said % {"n": added} if added else _("勾选的这些，计划里都有了。")
            _tell_saved(request, desk, told)
            return redirect(desk.here)
        except Refused as refused:
            error = str(refused)
    labels = {code: tier_name(desk.scheme, code) for code in desk.scheme.codes} if desk.scheme else {}
    context = {
        "desk": desk, "sets": plans.ready_sets(), "scheme": desk.scheme,
        "tiers": [(code, labels.get(code, _("所有客人"))) for code in tiers], "ticked": ticked, "tier": tier,
        "error": error,
    }  # fmt: skip
    return render(request, "care/plan_ready.html", context, status=422 if error else 200)


@require_POST
def plan_act(request: PageRequest) -> HttpResponse:
    """A switch: one line on or off (`on`, `off`: its code), inheriting on or off, the whole plan on or off."""
    desk = _desk(request)
    code = request.POST.get("on") or request.POST.get("off") or ""
    try:
        if code:
            plans.change_line(**desk.who(request), code=code, enabled="on" in request.POST)
        elif request.POST.get("inherits") in ("yes", "no"):
            plans.set_inherits(**desk.who(request), inherits=request.POST["inherits"] == "yes")
        elif request.POST.get("works") in ("yes", "no"):
            works = request.POST["works"] == "yes"
            plans.set_works(**desk.who(request), works=works)
            messages.success(
                request, _("已打开，从今晚起按它开任务。") if works else _("已关掉。已经开出的任务还在。")
            )
    except Refused as refused:
        tell(request, refused)
    return redirect(f"{desk.here}#line-{code}" if code else desk.here)


@require_safe
def plan_history(request: PageRequest) -> HttpResponse:
    """The versions of the plan: who made which when."""
    desk = _desk(request)
    return render(
        request, "care/plan_history.html", {"desk": desk, "versions": plan_versions(desk.store, desk.code)}
    )


def plan_version(request: PageRequest, pk: int) -> HttpResponse:
    """An older version to read, and (posted) to go back to."""
    old = found(Plan.objects.filter(store=request.principal.store, pk=pk).select_related("made_by").first())
    desk = _desk(request, old.scheme_code)
    here = f"{reverse('plan')}?scheme={old.scheme_code}"
    if request.method == "POST":
        who = desk.who(request) | {"scheme_code": old.scheme_code}
        plans.restore(**who, number=old.number)
        _tell_saved(
            request, desk, _("计划已恢复成第 %(n)s 版的样子，从今晚起按它开任务。") % {"n": old.number}
        )
        return redirect(here)
    context = _plan_context(request, desk, old, list(old.lines.all())) | {"old": old, "here": here}
    return render(request, "care/plan.html", context)


def care_rules(request: PageRequest) -> HttpResponse:
    """How often a guest may be contacted, when a late task goes up, gifts to officials."""
    rules = care_rules_of(request.principal.store)
    form = (
        CareRulesForm(request.POST)
        if request.method == "POST"
        else CareRulesForm(initial=CareRulesForm.showing(rules))
    )
    if form.is_bound and form.is_valid():
        change_care_rules(form.put_into(rules))
        messages.success(request, _("关怀规则已保存，从今晚起生效。"))
        return redirect("plan")
    context = {"form": form, "may_change": request.principal.role in who_may("care-rules", "POST")}
    return render(request, "care/care_rules.html", context, status=422 if form.errors else 200)
