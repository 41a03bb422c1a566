"""Who sat with whom, what somebody's presence brought, which events a guest came to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Q

from customers.models import Participation, Visit, VisitGuest
from staff.models import Store

INFLUENCE_DAYS = 365
EVENTS_SHOWN = 20
_COUNTED = Q(visit__voided_at=None, visit__counted_at__isnull=False)


def companions_of(visits: Iterable[Visit]) -> dict[UUID, list[VisitGuest]]:
    """Who else sat at each of the visits, in the order in which they were named. One query."""
    found: dict[UUID, list[VisitGuest]] = {}
    seats = VisitGuest.objects.filter(visit__in=[visit.pk for visit in visits], removed_at=None)
    for seat in seats.select_related("customer").order_by("id"):
        found.setdefault(seat.visit_id, []).append(seat)
    return found


@dataclass(frozen=True)
class Influence:
    """The tables at which somebody was an invited guest, the latest first, and what was spent there in fen."""

    seats: list[VisitGuest]

    @property
    def total_fen(self) -> int:
        return sum(seat.visit.amount_fen for seat in self.seats)


def influence_of(store: Store, customer_id: int, day: date) -> Influence:
    """What others spent in the last 365 business days of `day` at tables to which the guest was invited. One query."""
    seats = (
        VisitGuest.objects.filter(
            _COUNTED,
            customer_id=customer_id,
            role=VisitGuest.Role.GUEST,
            removed_at=None,
            visit__store=store,
            visit__business_date__range=(day - timedelta(days=INFLUENCE_DAYS - 1), day),
        )
        .select_related("visit__customer")
        .order_by("-visit__visited_at", "id")
    )
    return Influence(list(seats))


def participations_of(store: Store, customer_id: int) -> list[Participation]:
    """The events of the store that the guest came to, the latest first."""
    rows = Participation.objects.filter(store=store, customer_id=customer_id, voided_at=None)
    return list(rows.select_related("recorded_by").order_by("-attended_on", "-id")[:EVENTS_SHOWN])
