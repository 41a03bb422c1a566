"""Campaigns: the list, one being written, one as it stands; approve it, call it off."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from care.events.inviting import when_of
from care.forms.campaigns import ApproveForm, CampaignForm
from care.models import Campaign, CampaignGuest, Event, Message, Task
from care.outcomes import days_for
from care.parts import cost_fen, whole_text
from care.selectors.campaigns import campaign_list, campaigns_of, earned_by, groups_of, names_of, progress_of
from care.selectors.outbox import month_of_texts
from care.services.campaign_planning import Sieved, goes_by_text, last_day, sieve, template_of
from care.services.campaigns import approve_campaign, cancel_campaign, save_campaign
from care.services.outcomes import days_set
from care.services.rules import rules_of
from care.services.tasks import local_date
from care.texts import MEMBER, safe_name, written_out
from common.clock import now
from common.errors import Refused
from customers.models.dish import Dish
from staff.models import Store
from staff.pages import PageRequest, found, person_of, tell, today_of
from tiering.selectors.schemes import in_force, scheme_of
from tiering.selectors.segments import segments_of
from tiering.sentences import tier_name

METHODS = ["GET", "HEAD", "POST"]
State = Campaign.State
# What a tier is offered when a dish is launched, from the highest down; the last one holds for all below. It goes into
# a text, which is Chinese whoever writes it.
_OFFERS = ("请您先来免费试吃，席位给您留着", "欢迎您带上朋友一起来尝鲜", "欢迎您来尝尝")


@require_safe
def campaigns(request: PageRequest) -> HttpResponse:
    """The store's campaigns, those that wait for something first."""
    store = request.principal.store
    return render(request, "care/campaigns.html", {"rows": campaign_list(store)})


def _tiers(request: PageRequest) -> list[tuple[str, str]]:
    """The tiers of the scheme in force, the highest first, in words."""
    adoption = in_force(request.principal.store.pk, today_of(request))
    if adoption is None:
        return []
    scheme = scheme_of(adoption.version)
    return [(code, tier_name(scheme, code)) for code in scheme.codes]


def _form(request: PageRequest, initial: dict[str, Any], tiers: list[tuple[str, str]]) -> CampaignForm:
    store = request.principal.store
    chosen = initial.get("tiers") or []
    # A tier of a scheme that is no longer in force stays where it was chosen.
    gone = [(code, code) for code in chosen if code not in dict(tiers)]
    return CampaignForm(
        request.POST if request.method == "POST" else None, initial=initial, segments=segments_of(store),
        tiers=[*tiers, *gone], today=local_date(store, now()),
    )  # fmt: skip


@require_http_methods(METHODS)
def campaign_new(request: PageRequest) -> HttpResponse:
    """A campaign from nothing, for a segment (`?segment=3`), for a new dish (`?dish=5`, `&tier=B`), or for an event that
    many are told of (`?event=7`).
    """
    tiers = _tiers(request)
    form = _form(request, _beginning(request, tiers), tiers)
    if form.is_bound and form.is_valid():
        try:
            campaign = save_campaign(
                store=request.principal.store, said=form.said(), actor=person_of(request), at=now()
            )
            return redirect("campaign", campaign.pk)
        except Refused as refused:
            form.refuse(refused)
    return _written(request, form, None, tiers)


def _beginning(request: PageRequest, tiers: list[tuple[str, str]]) -> dict[str, Any]:
    """What a new campaign begins with: tomorrow, three days, every tenth held out; a dish's name and words."""
    store = request.principal.store
    begun: dict[str, Any] = {
        "kind": Campaign.Kind.PROMOTION, "channel": Campaign.Way.SMS, "window_days": 2, "held_out": 10,
        "send_on": local_date(store, now()) + timedelta(days=1), "segment": request.GET.get("segment", "")[:20],
    }  # fmt: skip
    if event := request.GET.get("event", ""):
        is_number = event.isascii() and event.isdigit() and len(event) < 19
        held = found(Event.objects.filter(store=store, pk=int(event)).first() if is_number else None)
        return begun | {
            "kind": Campaign.Kind.EVENT, "name": held.name, "what": held.name[:20],
            "detail": f"{when_of(held)}，给您留着位子",
        }  # fmt: skip
    asked = request.GET.get("dish", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        dish = found(Dish.objects.filter(store=store, pk=int(asked), withdrawn_at=None).first())
        codes = [code for code, _name in tiers]
        code = request.GET.get("tier", "")
        place = codes.index(code) if code in codes else 0
        begun |= {
            "kind": Campaign.Kind.NEW_DISH, "what": dish.name[:20], "detail": _OFFERS[min(place, len(_OFFERS) - 1)],
            "name": " · ".join([dish.name, *codes[place : place + 1]])[:60], "tiers": codes[place : place + 1],
        }  # fmt: skip
    return begun


@require_http_methods(METHODS)
def campaign_edit(request: PageRequest, pk: int) -> HttpResponse:
    """Change a draft."""
    campaign = found(campaigns_of(request.principal.store).filter(pk=pk).first())
    if campaign.state != State.DRAFT:
        tell(request, Refused("campaign_not_draft"))
        return redirect("campaign", pk)
    tiers = _tiers(request)
    form = _form(request, CampaignForm.showing(campaign), tiers)
    if form.is_bound and form.is_valid():
        try:
            save_campaign(
                store=request.principal.store,
                said=form.said(),
                actor=person_of(request),
                at=now(),
                campaign_id=pk,
            )
            return redirect("campaign", pk)
        except Refused as refused:
            form.refuse(refused)
    return _written(request, form, campaign, tiers)


def _written(
    request: PageRequest, form: CampaignForm, campaign: Campaign | None, tiers: list[tuple[str, str]]
) -> HttpResponse:
    dish = request.GET.get("dish", "") if request.method != "POST" else ""
    context = {
        "form": form,
        "campaign": campaign,
        "chosen": form["tiers"].value() or [],
        "dish": dish,
        "tiers": tiers,
        "samples": [
            (label, written_out(f"campaign_{kind}", {"name": MEMBER, "what": "……", "detail": "……"}))
            for kind, label in Campaign.Kind.choices
        ],
    }
    return render(request, "care/campaign_form.html", context, status=422 if form.errors else 200)


@require_safe
def campaign(request: PageRequest, pk: int) -> HttpResponse:
    """One campaign: before it goes who would be told and what it costs; then how it is going and what it earned."""
    return _page(request, found(campaigns_of(request.principal.store).filter(pk=pk).first()), ApproveForm())


@require_POST
def campaign_approve(request: PageRequest, pk: int) -> HttpResponse:
    """Let it go, with the number of guests that will be told."""
    store = request.principal.store
    kept = found(campaigns_of(store).filter(pk=pk).first())
    form = ApproveForm(request.POST)
    if not form.is_valid():
        return _page(request, kept, form, status=422)
    try:
        done = approve_campaign(
            store=store,
            campaign_id=pk,
            number=form.cleaned_data["number"],
            actor=person_of(request),
            at=now(),
        )
    except Refused as refused:
        if refused.status != 422:
            tell(request, refused)
            return redirect("campaign", pk)
        form.refuse(refused)
        return _page(request, kept, form, status=422)
    if done.state == State.PLANNED:
        messages.success(request, _("已批准，正在安排发出。"))
    else:
        messages.success(request, _("已批准，到日子的前一晚自动安排。"))
    return redirect("campaign", pk)


@require_POST
def campaign_cancel(request: PageRequest, pk: int) -> HttpResponse:
    """Call it off; what was sent stays sent."""
    try:
        stopped = cancel_campaign(
            store=request.principal.store, campaign_id=pk, actor=person_of(request), at=now()
        )
        messages.success(request, _("活动已取消，停下了 %(n)s 条。") % {"n": stopped})
    except Refused as refused:
        tell(request, refused)
    return redirect("campaign", pk)


def _page(request: PageRequest, kept: Campaign, form: ApproveForm, status: int = 200) -> HttpResponse:
    store, at = request.principal.store, now()
    by_text = goes_by_text(kept)
    context: dict[str, Any] = {
        "campaign": kept, "form": form, "by_text": by_text, "last_day": last_day(kept),
        "days": days_for("campaign", days_set(store)),
    }  # fmt: skip
    if kept.planned_at is not None:
        seen = Sieved(groups_of(kept))
        context |= _going(kept, store) | {"earned": earned_by([kept.pk])[kept.pk]}
    elif kept.state == State.CANCELLED:
        seen = Sieved([])
    else:
        seen = sieve(kept, store, on=store.business_day(at))
        context |= _costs(store, seen, at)
    names = names_of(seen.groups)
    told = next((group for group in seen.groups if group.arm == CampaignGuest.Arm.TOLD and group.ids), None)
    first = names.get(told.ids[0]) if told else None
    words = {
        "name": safe_name(first.salutation) if first else MEMBER,
        "what": kept.what,
        "detail": kept.detail,
    }
    template = template_of(kept)
    sign = settings.SMS.get("SMS_SIGN_NAME", "")
    context |= {
        "seen": seen, "names": names,
        "held_group": next((each for each in seen.groups if each.arm == CampaignGuest.Arm.HELD_OUT), None),
        "text": whole_text(sign, template, words) if by_text else written_out(template, words),
    }  # fmt: skip
    return render(request, "care/campaign.html", context, status=status)


def _costs(store: Store, seen: Sieved, at: Any) -> dict[str, Any]:
    """What the texts would cost, against what is left of the month."""
    month = month_of_texts(store.brand_id, store.timezone, at)
    left = None if month.rules.month_parts is None else max(0, month.rules.month_parts - month.parts)
    return {
        "month": month,
        "cost_fen": cost_fen(seen.parts, month.rules.thousand_parts_fen),
        "left": left,
        "too_dear": left is not None and seen.parts > left,
    }


def _going(kept: Campaign, store: Store) -> dict[str, Any]:
    """How far a planned campaign is."""
    progress = progress_of(kept, store)
    labels, task_labels = dict(Message.State.choices), dict(Task.State.choices)
    shown = [
        (state, labels[state], progress.texts[state], progress.reasons.get(state, {}))
        for state in Message.State.values
        if state in progress.texts
    ]
    tasks = [(state, task_labels[state], n) for state, n in progress.tasks.items()]
    price = rules_of(store.brand_id).thousand_parts_fen
    return {"progress": progress, "texts": shown, "tasks": tasks, "cost_fen": cost_fen(progress.parts, price)}
