"""What the pages of events ask, a fixed number of queries each: the list, one event, a guest's invitations."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection
from django.db.models import Avg, Case, Count, IntegerField, Prefetch, Q, QuerySet, Value, When

from care.events.models import Event, Invitation
from care.events.seats import Effect, each_fen, mean_opinion, spans
from common.money import half_up
from customers.models import Patronage
from staff.models import Store

LISTED = 200
Answer = Invitation.Answer

_SPENT = """
SELECT count(DISTINCT i.customer_id),
    coalesce(sum(v.amount_fen) FILTER (WHERE v.business_date < %(held_on)s), 0),
    coalesce(sum(v.amount_fen) FILTER (WHERE v.business_date > %(held_on)s), 0),
    count(v.id) FILTER (WHERE v.business_date < %(held_on)s),
    count(v.id) FILTER (WHERE v.business_date > %(held_on)s)
FROM care_invitation i LEFT JOIN customers_visit v ON v.customer_id = i.customer_id AND v.store_id = %(store)s
    AND v.voided_at IS NULL AND v.counted_at IS NOT NULL AND v.business_date BETWEEN %(first)s AND %(last)s
WHERE i.event_id = %(event)s AND i.attended
"""


@dataclass(frozen=True)
class Listed:
    """An event with how many were invited, will come, wait and came, and what those who came thought."""

    event: Event
    invited: int
    accepted: int
    waiting: int
    attended: int
    opinion: Decimal | None

    @property
    def each(self) -> Fraction | None:
        """What it cost for each guest who came, in fen."""
        return each_fen(self.event.cost_fen, self.attended)


@dataclass(frozen=True)
class Sheet:
    """One event with its invitations in order, and what they come to."""

    event: Event
    rows: list[Invitation]

    def of(self, answer: str) -> list[Invitation]:
        """The invitations with one answer; of those who wait the longest first."""
        found = [row for row in self.rows if row.answer == answer]
        return sorted(found, key=lambda r: (r.answered_at, r.pk)) if answer == Answer.WAITING else found

    @property
    def guests_coming(self) -> list[Invitation]:
        return self.of(Answer.ACCEPTED)

    @property
    def guests_waiting(self) -> list[Invitation]:
        return self.of(Answer.WAITING)

    @property
    def accepted(self) -> int:
        return len(self.of(Answer.ACCEPTED))

    @property
    def waiting(self) -> int:
        return len(self.of(Answer.WAITING))

    @property
    def declined(self) -> int:
        return len(self.of(Answer.DECLINED))

    @property
    def silent(self) -> int:
        """How many have not answered."""
        return len(self.of(Answer.NONE))

    @property
    def attended(self) -> int:
        return sum(row.attended is True for row in self.rows)

    @property
    def opinion(self) -> Decimal | None:
        """The mean of the opinions, to one decimal."""
        return mean_opinion([row.opinion for row in self.rows if row.opinion is not None])

    @property
    def opinions(self) -> int:
        return sum(row.opinion is not None for row in self.rows)

    @property
    def each(self) -> Fraction | None:
        """What it cost for each guest who came, in fen."""
        return each_fen(self.event.cost_fen, self.attended)


def events_of(store: Store) -> QuerySet[Event]:
    """The store's events with their dish and who planned them."""
    return Event.objects.filter(store=store).select_related("dish", "made_by")


def event_list(store: Store) -> list[Listed]:
    """The events of a store: those still to come or open first, the latest day first. One query."""
    settled = (Event.State.CLOSED, Event.State.CANCELLED)
    over = Case(When(state__in=settled, then=Value(1)), default=Value(0), output_field=IntegerField())

    def having(**said: object) -> Count:
        return Count(
            "invitations", filter=Q(**{f"invitations__{name}": value for name, value in said.items()})
        )

    rows = events_of(store).annotate(
        invited=Count("invitations"), accepted=having(answer=Answer.ACCEPTED), waiting=having(answer=Answer.WAITING),
        came=having(attended=True), liked=Avg("invitations__opinion"),
    )  # fmt: skip
    return [
        Listed(
            row, row.invited, row.accepted, row.waiting, row.came,
            None if row.liked is None else half_up(Fraction(row.liked).limit_denominator(10_000), 1),
        )
        for row in rows.order_by(over, "-held_on", "-pk")[:LISTED]
    ]  # fmt: skip


def sheet_of(event: Event) -> Sheet:
    """An event's invitations in the order they were made, each guest with the patronage here. Two queries."""
    here = Patronage.objects.filter(store_id=event.store_id).select_related("owner")
    rows = event.invitations.select_related("customer").prefetch_related(
        Prefetch("customer__patronages", queryset=here, to_attr="patronages_here")
    )
    return Sheet(event, list(rows))


def effect_of(event: Event, today: date) -> Effect:
    """What the guests who came spent in the thirty days before and the thirty after, the day itself left out; of the
    visits that count, in this store. One query.
    """
    (first, _day_before), (_day_after, last) = spans(event.held_on)
    asked: dict[str, Any] = {
        "event": event.pk, "store": event.store_id, "held_on": event.held_on, "first": first, "last": last,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, asked)
        guests, before, after, came_before, came_after = cursor.fetchone()
    return Effect(guests, int(before), int(after), came_before, came_after, today > last)


def invitations_of(store: Store, customer_id: int) -> list[Invitation]:
    """What a guest was invited to in this store, the latest first; at most twenty. One query."""
    rows = Invitation.objects.filter(event__store=store, customer_id=customer_id).select_related("event")
    return list(rows.order_by("-event__held_on", "-pk")[:20])
