"""Events of the house: the list, one being planned, one as it stands, the list to print; a dinner that was held."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from care.events.forms import DinnerForm, EventForm, GuestForm, InviteForm, ResultsForm
from care.events.inviting import BY_HAND, Invited, invite, invite_guest, words_of
from care.events.models import Event, Invitation
from care.events.seats import spans
from care.events.selectors import effect_of, event_list, events_of, sheet_of
from care.events.services import (
    SAID,
    answer,
    cancel_event,
    is_dinner,
    record_dinner,
    save_event,
    save_results,
)
from care.models import Task
from care.selectors.tasks import tasks_of
from care.sentences import reason_words
from care.services.tasks import local_date
from common.clock import now
from common.errors import Refused
from customers.models.dish import Dish
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering.selectors.schemes import in_force, scheme_of
from tiering.selectors.segments import segments_of
from tiering.sentences import tier_name

METHODS = ["GET", "HEAD", "POST"]
LIVING = (Event.State.DRAFT, Event.State.OPEN)


@require_safe
def events(request: PageRequest) -> HttpResponse:
    """The store's events, those to come first."""
    return render(request, "care/events.html", {"rows": event_list(request.principal.store)})


def _event(request: PageRequest, pk: int) -> Event:
    return found(events_of(request.principal.store).filter(pk=pk).first())


@require_http_methods(METHODS)
def event_new(request: PageRequest) -> HttpResponse:
    """An event from nothing, or a tasting of a new dish (`?dish=5`)."""
    begun: dict[str, Any] = {
        "kind": Event.Kind.TASTING, "starts_at": "18:00", "seats": 20, "held_on": today_of(request) + timedelta(days=10),
    }  # fmt: skip
    asked = request.GET.get("dish", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        dish = found(
            Dish.objects.filter(store=request.principal.store, pk=int(asked), withdrawn_at=None).first()
        )
        begun |= {"dish": dish.pk, "name": _("%(dish)s试菜会") % {"dish": dish.name}}
    return _written(request, begun, None)


@require_http_methods(METHODS)
def event_edit(request: PageRequest, pk: int) -> HttpResponse:
    """Change an event that is not over."""
    event = _event(request, pk)
    if event.state not in LIVING:
        tell(request, Refused("event_settled"))
        return redirect("event", pk)
    return _written(request, EventForm.showing(event), event)


def _written(request: PageRequest, initial: dict[str, Any], event: Event | None) -> HttpResponse:
    store, today = request.principal.store, today_of(request)
    dishes = list(Dish.objects.filter(store=store, withdrawn_at=None).order_by("-launched_on", "-pk")[:50])
    if event and event.dish and event.dish not in dishes:
        dishes.append(event.dish)
    form = EventForm(
        request.POST if request.method == "POST" else None, initial=initial, dishes=dishes, today=today
    )
    if form.is_bound and form.is_valid():
        try:
            saved = save_event(
                store=store, said=form.said(), actor=person_of(request), at=now(), event_id=event.pk if event else None
            )  # fmt: skip
            return redirect("event", saved.pk)
        except Refused as refused:
            form.refuse(refused)
    context = {"form": form, "event": event}
    return render(request, "care/event_form.html", context, status=422 if form.errors else 200)


@require_safe
def event(request: PageRequest, pk: int) -> HttpResponse:
    """One event: whom to invite and who will come; from its day on who came, what it cost and what it brought."""
    return _page(request, _event(request, pk))


def _page(
    request: PageRequest,
    kept: Event,
    status: int = 200,
    invites: InviteForm | None = None,
    guest: GuestForm | None = None,
    results: ResultsForm | None = None,
) -> HttpResponse:
    store, today = request.principal.store, today_of(request)
    sheet = sheet_of(kept)
    is_there = kept.held_on <= today and kept.state != Event.State.CANCELLED
    context: dict[str, Any] = {
        "event": kept, "sheet": sheet, "is_living": kept.state in LIVING, "is_there": is_there,
        "text": words_of(kept), "turns": {row.pk: n for n, row in enumerate(sheet.of("waiting"), 1)},
        "may_answer": kept.state in LIVING and kept.held_on >= today,
        "may_invite": kept.state in LIVING and kept.held_on >= local_date(store, now()),
    }  # fmt: skip
    if is_there:
        context["results"] = results or ResultsForm(rows=sheet.rows, cost_fen=kept.cost_fen)
        if sheet.attended:
            context |= {"effect": effect_of(kept, today), "results_on": spans(kept.held_on)[1][1]}
    if context["may_invite"]:
        context["invites"] = invites or _invite_form(request, sheet.event, len(sheet.rows))
    if kept.state in LIVING:
        context["guest"] = guest or GuestForm(store=store)
    return render(request, "care/event.html", context, status=status)


def _invite_form(request: PageRequest, event: Event, invited: int) -> InviteForm:
    """The form as it stands: the highest tier ticked, as many as there are seats left to fill and half as many again."""
    store = request.principal.store
    adoption = in_force(store.pk, today_of(request))
    scheme = scheme_of(adoption.version) if adoption else None
    tiers = [(code, tier_name(scheme, code)) for code in scheme.codes] if scheme else []
    wanted = max(1, (event.seats or 40) * 3 // 2 - invited)
    initial = {"tiers": [code for code, _name in tiers[:1]], "most": wanted, "channel": BY_HAND[1]}
    return InviteForm(
        request.POST if request.method == "POST" else None, initial=initial, segments=segments_of(store), tiers=tiers
    )  # fmt: skip


@require_POST
def event_invite(request: PageRequest, pk: int) -> HttpResponse:
    """Invite the next ones of a group."""
    kept = _event(request, pk)
    form = _invite_form(request, kept, 0)
    if form.is_valid():
        try:
            done = invite(
                store=request.principal.store,
                event_id=pk,
                **form.said(),
                actor=person_of(request),
                at=now(),
            )
            _say_invited(request, done)
            return redirect("event", pk)
        except Refused as refused:
            if refused.status == 409:
                tell(request, refused)
                return redirect("event", pk)
            form.refuse(refused)
    return _page(request, kept, 422, invites=form)


def _say_invited(request: PageRequest, done: Invited) -> None:
    said = _("没有新的客人可以邀请。")
    if done.guests:
        said = ngettext("已邀请 %(n)s 位，任务已开给同事。", "已邀请 %(n)s 位，任务已开给同事。", done.guests)
        said = said % {"n": done.guests}
    if done.left:
        said += _("还有 %(n)s 位可以下一批再请。") % {"n": done.left}
    if done.blocked:
        listed = sorted(done.blocked.items(), key=lambda each: (-each[1], each[0]))
        why = "；".join(f"{reason_words(reason)} {number}" for reason, number in listed)
        said += _("没有邀请的：%(why)s。") % {"why": why}
    (messages.success if done.guests else messages.warning)(request, said)


@require_POST
def event_guest(request: PageRequest, pk: int) -> HttpResponse:
    """Put one guest on the list, who was asked in person."""
    kept = _event(request, pk)
    form = GuestForm(request.POST, store=request.principal.store)
    if not form.is_valid():
        return _page(request, kept, 422, guest=form)
    try:
        row = invite_guest(
            store=request.principal.store,
            event_id=pk,
            customer_id=form.cleaned_data["who"],
            actor=person_of(request),
            at=now(),
        )
        return redirect(f"{reverse('event', args=[pk])}#guest-{row.customer_id}")
    except Refused as refused:
        tell(request, refused)
    return redirect("event", pk)


@require_POST
def event_answer(request: PageRequest, pk: int) -> HttpResponse:
    """Note an answer: `accepted` or `declined` with the guest's id."""
    _event(request, pk)
    said = next((each.value for each in SAID if each.value in request.POST), "")
    who = request.POST.get(said, "")
    if not (who.isascii() and who.isdigit() and len(who) < 19):
        messages.error(request, _("看不懂是哪位客人的回话，请再点一次。"))
        return redirect("event", pk)
    try:
        row = answer(
            store=request.principal.store, event_id=pk, customer_id=int(who), said=said, actor=person_of(request), at=now()
        )  # fmt: skip
        if row.answer == Invitation.Answer.WAITING:
            messages.warning(request, _("座位已满，%(who)s排在候补。") % {"who": row.customer.called})
    except Refused as refused:
        tell(request, refused)
    return redirect(f"{reverse('event', args=[pk])}#guest-{who}")


@require_POST
def event_results(request: PageRequest, pk: int) -> HttpResponse:
    """Who came, what they thought, what it cost; with `over` the event is closed."""
    kept = _event(request, pk)
    form = ResultsForm(request.POST, rows=sheet_of(kept).rows, cost_fen=kept.cost_fen)
    if not form.is_valid():
        return _page(request, kept, 422, results=form)
    try:
        save_results(
            store=request.principal.store,
            event_id=pk,
            guests=form.said(),
            cost_fen=form.cleaned_data["cost"],
            actor=person_of(request),
            at=now(),
            over="over" in request.POST,
        )
        messages.success(request, _("已保存。"))
    except Refused as refused:
        tell(request, refused)
    return redirect("event", pk)


@require_POST
def event_cancel(request: PageRequest, pk: int) -> HttpResponse:
    """Call it off; whoever said yes is told by a person."""
    try:
        coming = cancel_event(store=request.principal.store, event_id=pk, actor=person_of(request), at=now())
        said = ngettext(
            "活动已取消，要通知 %(n)s 位答应来的客人，任务已开。",
            "活动已取消，要通知 %(n)s 位答应来的客人，任务已开。",
            coming,
        )
        messages.success(request, said % {"n": coming} if coming else _("活动已取消。"))
    except Refused as refused:
        tell(request, refused)
    return redirect("event", pk)


@require_safe
def event_sheet(request: PageRequest, pk: int) -> HttpResponse:
    """The list for the door, to print: who comes and who waits."""
    kept = _event(request, pk)
    return render(request, "care/event_sheet.html", {"event": kept, "sheet": sheet_of(kept)})


@require_http_methods(METHODS)
def event_dinner(request: PageRequest, pk: int) -> HttpResponse:
    """A dinner the plan owed a guest was held: put it on file, and the task is done. `pk`: the task's."""
    store = request.principal.store
    task = found(tasks_of(store).filter(pk=pk).first())
    if not is_dinner(task) or task.state not in (Task.State.OPEN, Task.State.EXPIRED):
        tell(request, Refused("task_settled" if is_dinner(task) else "event_no_dinner"))
        return redirect("tasks")
    form = DinnerForm(
        request.POST if request.method == "POST" else None, initial=DinnerForm.beginning(task, today_of(request))
    )  # fmt: skip
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            held = record_dinner(
                store=store, task_id=pk, held_on=data["held_on"], words=data["words"], gift=data["gift"],
                said={"name": data["name"], "cost_fen": data["cost_fen"]}, actor=person_of(request), at=now(),
            )  # fmt: skip
            messages.success(request, _("已记下这次宴请，任务完成。"))
            return redirect("event", held.pk)
        except Refused as refused:
            form.refuse(refused)
    context = {"form": form, "task": task}
    return render(request, "care/event_dinner.html", context, status=422 if form.errors else 200)
