"""What people do with a campaign: write it, approve it, call it off; and what the night does with an approved one.

Every verb is for a campaign of the actor's store; another store's is not there. Doing the same again is once.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from care.campaigns import has_grown, needs_another
from care.models import Campaign, CampaignGuest, Task
from care.outcomes import days_for
from care.services.campaign_planning import (
    CATEGORY,
    Sieved,
    goes_by_text,
    last_day,
    sieve,
    window_of,
    write_plan,
)
from care.services.festivals import calendar_of
from care.services.outcomes import days_set
from care.services.tasks import local_date
from common.errors import NotHere, Refused
from common.messages import add_sentences
from staff.models import Person, Store

State = Campaign.State

add_sentences(
    {
        "campaign_not_draft": _("这次活动已经批准、结束或取消，不能再改。"),
        "campaign_no_group": _("请选一个客群，或勾选至少一个等级。"),
        "campaign_past": _("发送的日子已经过了，请先把日期改到今天或以后。"),
        "campaign_solemn": _("%(day)s 是清明、国家公祭日或本店的庄重日子，不发促销，请换个日子。"),
        "campaign_nobody": _("照现在的条件一位客人也告知不了，没有批准。"),
        "campaign_number": _("人数对不上：现在会告知 %(told)s 位。看清楚以后，照这个数再填一次。"),
        "campaign_two": _("超过 %(most)s 位，要由起草人以外的店长或总部批准。"),
        "campaign_over": _("这次活动已经结束，不能再取消。"),
    }
)  # fmt: skip

_CALL_OFF = """
UPDATE care_message SET state = 'skipped', reason = 'cancelled', final_at = %(at)s WHERE id IN (
    SELECT id FROM care_message WHERE store_id = %(store)s AND created_at = %(planned_at)s AND category = %(category)s
    AND occasion = %(occasion)s AND state = 'pending' ORDER BY id FOR UPDATE)
"""


@transaction.atomic
def save_campaign(
    *, store: Store, said: dict[str, Any], actor: Person | None, at: datetime, campaign_id: int | None = None
) -> Campaign:
    """Write down a campaign, or with `campaign_id` change the draft of one. `said`: kind, name, segment, tiers, what,
    detail, channel, call_fallback, send_on, window_days, held_out.

    Refuses one without a group (422), one that is no draft any more (409); another store's is NotHere.
    """
    if said["segment"] is None and not said["tiers"]:
        raise Refused("campaign_no_group", field="segment", status=422)
    if said["segment"] is not None and said["segment"].store_id != store.pk:
        raise NotHere()
    if campaign_id is None:
        return Campaign.objects.create(store=store, made_by=actor, made_at=at, **said)
    campaign = _locked(store, campaign_id)
    if campaign.state != State.DRAFT:
        raise Refused("campaign_not_draft", status=409)
    for name, value in said.items():
        setattr(campaign, name, value)
    # Whoever changed it last is its author: it is not the same one who approves a large one.
    campaign.made_by, campaign.made_at = actor, at
    campaign.save()
    return campaign


@transaction.atomic
def approve_campaign(
    *, store: Store, campaign_id: int, number: int, actor: Person | None, at: datetime
) -> Campaign:
    """Let a campaign go: at once where its day is today or past, else in the night before its day.

    `number` is how many guests the approver was told will be told. Refused (422, nothing changed): a number that is no
    longer right, a window that is over or holds a solemn day, nobody to tell, an author alone with more than 500.
    Twice is once.
    """
    campaign = _locked(store, campaign_id)
    if campaign.state in (State.APPROVED, State.PLANNED):
        return campaign
    if campaign.state != State.DRAFT:
        raise Refused("campaign_not_draft", status=409)
    today = local_date(store, at)
    if last_day(campaign) < today or (goes_by_text(campaign) and at >= window_of(campaign, store)[1]):
        raise Refused("campaign_past", field="number", status=422)
    calendar = calendar_of(store)
    for days in range(campaign.window_days + 1):
        if calendar.is_solemn(day := campaign.send_on + timedelta(days=days)):
            raise Refused("campaign_solemn", field="number", status=422, day=day.isoformat())
    told = sieve(campaign, store, on=store.business_day(at)).told
    if not told:
        raise Refused("campaign_nobody", field="number", status=422)
    if number != told:
        raise Refused("campaign_number", field="number", status=422, told=told)
    if needs_another(told) and actor is not None and actor.pk == campaign.made_by_id:
        raise Refused("campaign_two", field="number", status=422, most=500)
    campaign.state, campaign.texts, campaign.grown = State.APPROVED, told, False
    campaign.approved_by, campaign.approved_at = actor, at
    campaign.save()
    if campaign.send_on <= today:
        _plan(campaign, store, on=store.business_day(at), at=at)
    return campaign


@transaction.atomic
def plan_campaigns(*, store: Store, on: date, at: datetime) -> dict[str, int]:
    """Plan the approved campaigns of the day after `on`, and of days before it. Counts, where there are any:
    `campaigns`, the guests `campaign_told`, and `campaign_grown` that went back to be looked at. May run twice.
    """
    counts: Counter[str] = Counter()
    due = Campaign.objects.select_for_update().filter(
        store=store, state=State.APPROVED, send_on__lte=on + timedelta(days=1)
    )
    for campaign in due.order_by("pk"):
        seen = _plan(campaign, store, on=on, at=at)
        counts.update({"campaigns": 1, "campaign_told": seen.told} if seen else {"campaign_grown": 1})
    return dict(counts)


def _plan(campaign: Campaign, store: Store, *, on: date, at: datetime) -> Sieved | None:
    """Write the plan of a campaign whose row is held; None where its group grew too much, and it is a draft again."""
    today = local_date(store, at)
    if has_grown(campaign.texts or 0, sieve(campaign, store, on=on).told):
        campaign.state, campaign.grown = State.DRAFT, True
        campaign.approved_by = campaign.approved_at = campaign.texts = None
        campaign.save()
        return None
    seen = write_plan(campaign, store, on=on, at=at, day=today)
    campaign.state, campaign.planned_at = State.PLANNED, at
    campaign.began_at = max(at, window_of(campaign, store)[0])
    days = days_for(CATEGORY, days_set(store))
    campaign.results_on = store.business_day(campaign.began_at) + timedelta(days=days)
    campaign.save()
    return seen


@transaction.atomic
def cancel_campaign(*, store: Store, campaign_id: int, actor: Person | None, at: datetime) -> int:
    """Call a campaign off; how many texts and calls that stopped. What a provider has, or may have, stays as it is.

    Before its day nothing was written, so nothing is left. One that is over is refused (409). Twice is once.
    """
    campaign = _locked(store, campaign_id)
    if campaign.state == State.CANCELLED:
        return 0
    if campaign.state == State.OVER:
        raise Refused("campaign_over", status=409)
    stopped = 0
    if campaign.planned_at is not None:
        with connection.cursor() as cursor:
            asked: dict[str, Any] = {
                "store": store.pk, "planned_at": campaign.planned_at, "category": CATEGORY,
                "occasion": campaign.occasion, "at": at,
            }  # fmt: skip
            cursor.execute(_CALL_OFF, asked)
            stopped = cursor.rowcount
        stopped += Task.objects.filter(
            store=store, code=CATEGORY, occasion=campaign.occasion, state=Task.State.OPEN,
            customer__in=CampaignGuest.objects.filter(campaign=campaign).values("customer"),
        ).update(state=Task.State.CLOSED, reason="cancelled", settled_at=at)  # fmt: skip
    campaign.state, campaign.cancelled_by, campaign.cancelled_at = State.CANCELLED, actor, at
    campaign.save()
    return stopped


def _locked(store: Store, campaign_id: int) -> Campaign:
    found = (
        Campaign.objects.select_for_update(of=("self",))
        .select_related("segment")
        .filter(store=store, pk=campaign_id)
        .first()
    )
    if found is None:
        raise NotHere()
    return found
