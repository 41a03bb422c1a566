"""Who of a segment or of some tiers is invited to an event: the highest tier first, so many as are asked for.

An invitation is a task for a person: a call, or a message by WeChat with the words ready to copy. No text leaves from
here: the outbox has one mouth, and whoever wants to announce an event to hundreds writes a campaign for it. The gate is
the same as for every other word: whoever may not be told is not invited, and the reason is counted.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from care.events.models import Event, Invitation
from care.services.campaign_planning import CONTACTS, FULL_WEEK
from care.services.gate import COMPLAINT_OPEN, GATE, MOURNING, NOBODY, OWN, SAID_NO, TOLD
from care.services.house_rules import care_rules_of
from care.services.opening import BY_INDEX, OWNER
from care.services.tasks import local_date
from care.texts import MEMBER, SAFE_NAME
from common.errors import NotHere, Refused
from customers.models import Patronage
from staff.models import Person, Store
from tiering.models import Segment
from tiering.selectors.schemes import in_force, scheme_of
from tiering.selectors.segments import hits_of

CODE = "event"
# Where the form of address goes in words that somebody writes.
PLACE = "{称呼}"
BY_HAND = ("phone", "wechat")
MOST = 2000

_SIEVE = (
    GATE
    + """, weighed AS MATERIALIZED (
    SELECT judged.customer_id, CASE WHEN reason <> '' THEN reason WHEN {full} THEN 'cap_week' ELSE '' END AS why
    FROM judged
), ranked AS (
    SELECT w.customer_id, w.why, p.tier, p.owner_id, p.store_id, row_number() OVER (PARTITION BY w.why = '' ORDER BY
        coalesce(array_position(%(ladder)s::text[], p.tier::text), 1000), p.spend_total_fen DESC, p.customer_id) AS turn
    FROM weighed w JOIN customers_patronage p ON p.store_id = %(store)s AND p.customer_id = w.customer_id
), chosen AS MATERIALIZED (SELECT * FROM ranked WHERE why = '' AND turn <= %(most)s), invited AS (
    INSERT INTO care_invitation (event_id, customer_id, place, tier, invited_at, invited_by_id, answer, words, gift)
    SELECT %(event)s, customer_id, %(places)s + turn, tier, %(at)s, %(actor)s, 'none', '', '' FROM chosen ORDER BY turn
    ON CONFLICT DO NOTHING RETURNING customer_id
), calls AS (
    INSERT INTO care_task (store_id, customer_id, code, occasion, channel, zh, en, words, tier, role, assignee_id,
        event_on, due_on, close_on, opened_on, opened_at, state, reason)
    SELECT %(store)s, p.customer_id, %(code)s, %(occasion)s, %(channel)s, %(zh)s, %(en)s, %(words)s, p.tier, 'manager',
        {owner}, %(held_on)s, %(due_on)s, %(held_on)s, %(today)s, %(at)s, 'open', ''
    FROM chosen p JOIN invited i ON i.customer_id = p.customer_id ON CONFLICT DO NOTHING
)
SELECT why, count(*) FILTER (WHERE why <> '' OR turn <= %(most)s), count(*) FILTER (WHERE why = '' AND turn > %(most)s)
FROM ranked GROUP BY why
"""
)


@dataclass(frozen=True)
class Invited:
    """How many were invited, how many more might be, and how many may not be, by reason."""

    guests: int = 0
    left: int = 0
    blocked: dict[str, int] = field(default_factory=dict)


@transaction.atomic
def invite(
    *,
    store: Store,
    event_id: int,
    segment: Segment | None,
    tiers: list[str],
    most: int,
    channel: str,
    actor: Person | None,
    at: datetime,
) -> Invited:
    """Invite up to `most` more guests of a segment, or of some tiers of it, the highest tier first and within a tier who
    spent most. Each gets a task of `channel` (phone, wechat) for the guest's owner or the managers.

    Whoever is invited already is passed over, so twice invites the next ones. Refuses an event that is over or
    cancelled (409), one whose day is past, no group, a number out of range.
    """
    event = open_event(store, event_id)
    check_day(event, store, at)
    if segment is None and not tiers:
        raise Refused("campaign_no_group", field="segment", status=422)
    if segment is not None and segment.store_id != store.pk:
        raise NotHere()
    if not 1 <= most <= MOST or channel not in BY_HAND:
        raise Refused("event_how_many", field="most", status=422, most=MOST)
    before, asked, who = _group(event, segment, tiers, store, store.business_day(at))
    rules, day = care_rules_of(store), local_date(store, at)
    zh, en = told(event, channel)
    adoption = in_force(store.pk, store.business_day(at))
    params: dict[str, Any] = {
        "store": store.pk, "brand": store.brand_id, "category": CODE, "occasion": event.occasion, "tiers": tiers,
        "mourning": list(MOURNING), "safe": f"^{SAFE_NAME}$", "member": MEMBER, "solemn": False, "late": False,
        "silent": False, "most": most, "contacts": list(CONTACTS), "send_on": _due(event, day), "code": CODE,
        "event": event.pk, "at": at, "today": day, "actor": actor.pk if actor else None, "channel": channel,
        "held_on": event.held_on, "due_on": _due(event, day), "zh": zh, "en": en, "words": words_of(event),
        "places": places_given(event), "cap": rules.contacts_a_week,
        "ladder": list(scheme_of(adoption.version).codes) if adoption else [],
    }  # fmt: skip
    if clash := set(params) & set(asked) - {"store"}:
        raise ValueError(f"the segment asks under the same names: {sorted(clash)}")
    full = FULL_WEEK.replace("%(most)s", "%(cap)s") if rules.contacts_a_week is not None else "false"
    sql = _SIEVE.format(
        before=before, own=OWN, told=TOLD, open=COMPLAINT_OPEN, refuses=SAID_NO, wished=NOBODY, tier=who, full=full,
        occasions="CROSS JOIN (VALUES (%(occasion)s, '')) o(occasion, festival)",
        owner=OWNER.replace("%(day)s", "%(today)s"),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(BY_INDEX, ["off"])
        cursor.execute(sql, params | asked)
        rows = cursor.fetchall()
        cursor.execute(BY_INDEX, ["on"])
    open_up(event)
    blocked = {why: number for why, number, _left in rows if why}
    guests, left = next(((number, more) for why, number, more in rows if not why), (0, 0))
    return Invited(guests, left, blocked)


@transaction.atomic
def invite_guest(
    *, store: Store, event_id: int, customer_id: int, actor: Person | None, at: datetime
) -> Invitation:
    """Invite one guest, who was asked in person: no task. Twice is once."""
    event = open_event(store, event_id)
    patronage = Patronage.objects.filter(store=store, customer_id=customer_id).first()
    if patronage is None:
        raise NotHere()
    row, _made = Invitation.objects.get_or_create(
        event=event,
        customer_id=customer_id,
        defaults={
            "place": places_given(event) + 1, "tier": patronage.tier, "invited_at": at, "invited_by": actor,
        },
    )  # fmt: skip
    open_up(event)
    return row


def locked_event(store: Store, event_id: int) -> Event:
    """The event, held until the end of the transaction; NotHere for another store's."""
    found = Event.objects.select_for_update().filter(store=store, pk=event_id).first()
    if found is None:
        raise NotHere()
    return found


def open_event(store: Store, event_id: int) -> Event:
    """The event, held; refuses one that is over or cancelled (409)."""
    event = locked_event(store, event_id)
    if event.state not in (Event.State.DRAFT, Event.State.OPEN):
        raise Refused("event_settled", status=409)
    return event


def check_day(event: Event, store: Store, at: datetime) -> None:
    """Nobody is invited to what is past."""
    if event.held_on < local_date(store, at):
        raise Refused("event_past", field="held_on", status=422)


def open_up(event: Event) -> None:
    """Whoever has invited somebody is no longer preparing."""
    if event.state == Event.State.DRAFT and event.invitations.exists():
        event.state = Event.State.OPEN
        event.save(update_fields=["state"])


def places_given(event: Event) -> int:
    """How many were invited so far, as the last place says."""
    return int(event.invitations.aggregate(last=Max("place"))["last"] or 0)


def _due(event: Event, day: date) -> date:
    """Tomorrow, and never after the event."""
    return min(day + timedelta(days=1), event.held_on)


def when_of(event: Event) -> str:
    """`6月25日 18:00`, or the day alone."""
    day = f"{event.held_on.month}月{event.held_on.day}日"
    return f"{day} {event.starts_at:%H:%M}" if event.starts_at else day


def words_of(event: Event) -> str:
    """What a guest is told, with `${name}` for the form of address."""
    if event.words:
        return event.words.replace(PLACE, "${name}")
    said = f"{when_of(event)}我们办“{event.name}”，给您留了位子，盼您来。方便时回我一声，我好安排。"
    return "${name}您好！" + said


def told(event: Event, channel: str) -> tuple[str, str]:
    """The task of an invitation, in Chinese and English."""
    how = {"phone": ("打电话邀请", "Call and invite"), "wechat": ("发微信邀请", "Invite by WeChat")}[channel]
    return f"{how[0]}：{event.name}（{when_of(event)}）", f"{how[1]}: {event.name} ({event.held_on:%d %b})"


def _group(
    event: Event, segment: Segment | None, tiers: list[str], store: Store, on: date
) -> tuple[str, dict[str, Any], str]:
    """How the statement begins, what the segment asks, and the condition of being in the group, not yet invited."""
    found = [
        "NOT EXISTS (SELECT 1 FROM care_invitation i WHERE i.event_id = %(event)s "
        "AND i.customer_id = p.customer_id OFFSET 0)"
    ]
    before = "WITH"
    asked: dict[str, Any] = {}
    if segment is not None:
        hits, asked = hits_of(segment, store, on)
        before = f"{hits}, "
        found.append("p.customer_id IN (SELECT h.customer_id FROM hits h)")
    if tiers:
        found.append("p.tier = ANY(%(tiers)s)")
    return before, asked, " AND ".join(found)
