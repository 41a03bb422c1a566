"""What the pages of campaigns ask: the list, how one is going, what it earned. A fixed number of queries each."""

from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from care.campaigns import Arm, Earned
from care.models import Campaign, CampaignGuest, Message
from care.services.campaign_planning import CATEGORY, SHOWN, Group
from customers.models import Customer
from staff.models import Store

State = Campaign.State
LISTED = 200
_LIVING = (State.DRAFT, State.APPROVED, State.PLANNED)

_GROUPS = """
SELECT arm, reason, count(*), (array_agg(customer_id ORDER BY customer_id))[1:%(shown)s]
FROM care_campaignguest WHERE campaign_id = %(campaign)s GROUP BY arm, reason
"""
_EARNED = """
SELECT campaign_id, arm, count(*), count(came_on), coalesce(sum(spend_fen), 0),
    coalesce(sum(spend_fen::float8 * spend_fen), 0)
FROM care_campaignguest WHERE campaign_id = ANY(%(campaigns)s) AND arm <> 'blocked' GROUP BY 1, 2
"""
_TEXTS = """
SELECT state, reason, count(*), sum(parts) FROM care_message WHERE store_id = %(store)s AND created_at = %(planned_at)s
    AND category = %(category)s AND occasion = %(occasion)s AND phone_key IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC
"""
_TASKS = """
SELECT t.state, t.reason, count(*) FROM care_campaignguest g JOIN care_task t ON t.customer_id = g.customer_id
    AND t.store_id = %(store)s AND t.code = %(category)s AND t.occasion = %(occasion)s
WHERE g.campaign_id = %(campaign)s AND g.arm = 'told' GROUP BY 1, 2 ORDER BY 3 DESC
"""


@dataclass(frozen=True)
class Listed:
    """A campaign with what it earned; nought of nobody before it was planned."""

    campaign: Campaign
    earned: Earned


@dataclass(frozen=True)
class Progress:
    """How a campaign is going: its texts and its tasks by state, and within a state by reason; `parts`: of the texts that
    a provider was given, or may have been.
    """

    texts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)
    parts: int = 0


def campaigns_of(store: Store) -> QuerySet[Campaign]:
    """The store's campaigns with their segment and the people."""
    found = Campaign.objects.filter(store=store)
    return found.select_related("segment", "made_by", "approved_by", "cancelled_by")


def campaign_list(store: Store) -> list[Listed]:
    """The campaigns of a store: those that wait for something first, each with the latest day first. Two queries."""
    waits = Case(When(state__in=_LIVING, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = list(campaigns_of(store).order_by(waits, "-send_on", "-pk")[:LISTED])
    earned = earned_by([row.pk for row in rows])
    return [Listed(row, earned[row.pk]) for row in rows]


def campaign_page(
    store: Store, *, after: tuple[int, int] | None, most: int
) -> tuple[list[Listed], tuple[int, int] | None]:
    """The campaigns of a store, the latest day first, at most `most`, beginning behind `after` (day as an ordinal, id); and
    where the next page begins. Two queries.
    """
    found = campaigns_of(store)
    if after is not None:
        day, pk = date.fromordinal(after[0]), after[1]
        found = found.filter(Q(send_on__lt=day) | Q(send_on=day, pk__lt=pk))
    rows = list(found.order_by("-send_on", "-pk")[: most + 1])
    last = rows[most - 1] if len(rows) > most else None
    earned = earned_by([row.pk for row in rows[:most]])
    listed = [Listed(row, earned[row.pk]) for row in rows[:most]]
    return listed, (last.send_on.toordinal(), last.pk) if last else None


def campaigns_over(store: Store, first: date, last: date) -> list[Listed]:
    """The campaigns told between two days whose days are over, the latest first. Two queries."""
    found = campaigns_of(store).filter(state=State.OVER, send_on__gte=first, send_on__lte=last)
    rows = list(found.order_by("-send_on", "-pk")[:LISTED])
    earned = earned_by([row.pk for row in rows])
    return [Listed(row, earned[row.pk]) for row in rows]


def earned_by(campaign_ids: list[int]) -> dict[int, Earned]:
    """What each campaign earned, told and held out. One query, none for none."""
    arms: dict[tuple[int, str], Arm] = {}
    if campaign_ids:
        with connection.cursor() as cursor:
            cursor.execute(_EARNED, {"campaigns": campaign_ids})
            for pk, arm, guests, came, spend, squares in cursor.fetchall():
                arms[pk, arm] = Arm(guests, came, int(spend), squares)
    return {
        pk: Earned(arms.get((pk, "told"), Arm()), arms.get((pk, "held_out"), Arm())) for pk in campaign_ids
    }


def groups_of(campaign: Campaign) -> list[Group]:
    """The guests of a planned campaign by arm and reason, at most 50 ids of each. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, {"campaign": campaign.pk, "shown": SHOWN})
        return [Group(*row) for row in cursor.fetchall()]


def names_of(groups: list[Group]) -> dict[int, Customer]:
    """The guests named in groups. One query."""
    ids = {pk for group in groups for pk in group.ids if group.arm != CampaignGuest.Arm.TOLD}
    told = next((group.ids[:1] for group in groups if group.arm == CampaignGuest.Arm.TOLD), [])
    return Customer.objects.in_bulk(ids | set(told))


def progress_of(campaign: Campaign, store: Store) -> Progress:
    """How a planned campaign is going. Two queries."""
    asked = {
        "store": store.pk, "campaign": campaign.pk, "planned_at": campaign.planned_at, "category": CATEGORY,
        "occasion": campaign.occasion,
    }  # fmt: skip
    found = Progress()
    parts = 0
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, asked)
        for state, reason, number, billed in cursor.fetchall():
            found.texts[state] = found.texts.get(state, 0) + number
            parts += billed if state in Message.HANDED else 0
            if reason:
                found.reasons.setdefault(state, {})[reason] = number
        cursor.execute(_TASKS, asked)
        for state, _reason, number in cursor.fetchall():
            found.tasks[state] = found.tasks.get(state, 0) + number
    return Progress(found.texts, found.reasons, found.tasks, parts)
