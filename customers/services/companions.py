"""Who else sat at a table: named, and taken off again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from common.errors import NotHere, Refused
from customers.models import Patronage, Visit, VisitGuest
from staff.models import Person, Store


@transaction.atomic
def seat_guest(
    *, store: Store, visit_id: UUID, customer_id: int, role: str, actor: Person | None, at: datetime
) -> VisitGuest:
    """Say that a guest of this store sat at the table of a visit, and as what. Saying it twice changes nothing.

    Refuses (Refused) a visit that was taken back, a guest whom this store does not know, the visit's own guest.
    """
    visit = Visit.objects.select_for_update().filter(store=store, pk=visit_id).first()
    if visit is None:
        raise NotHere()
    if visit.voided_at is not None:
        raise Refused("visit_voided", status=409)
    if not Patronage.objects.filter(store=store, customer_id=customer_id).exists():
        raise Refused("companion_unknown", field="who")
    [seat] = _seat(visit.pk, visit.customer_id, [(customer_id, role)], actor, at)
    return seat


@transaction.atomic
def unseat_guest(
    *, store: Store, visit_id: UUID, seat_id: int, actor: Person | None, at: datetime
) -> VisitGuest:
    """Take a companion off the table again; the dated row stays. Twice changes nothing."""
    seat = (
        VisitGuest.objects.select_for_update(of=("self",))
        .filter(pk=seat_id, visit_id=visit_id, visit__store=store)
        .first()
    )
    if seat is None:
        raise NotHere()
    if seat.removed_at is None:
        seat.removed_at, seat.removed_by = at, actor
        seat.save(update_fields=["removed_at", "removed_by"])
    return seat


def seat_by_number(
    *,
    store: Store,
    visit_id: UUID,
    host_id: int | None,
    companions: Sequence[tuple[str, str]],
    actor: Person | None,
    at: datetime,
) -> None:
    """Seat the companions of a visit just recorded: (number in this store, role) each. Refusals as `seat_guest`.

    Belongs in the transaction that records the visit.
    """
    numbers = {number for number, _role in companions}
    known = dict(
        Patronage.objects.filter(store=store, external_id__in=numbers).values_list(
            "external_id", "customer_id"
        )
    )
    if missing := sorted(numbers - known.keys()):
        raise Refused("companion_not_found", field="companions", number=missing[0])
    _seat(
        visit_id,
        host_id,
        [(known[number], role) for number, role in companions],
        actor,
        at,
        field="companions",
    )


def _seat(
    visit_id: UUID,
    host_id: int | None,
    companions: Sequence[tuple[int, str]],
    actor: Person | None,
    at: datetime,
    field: str = "who",
) -> list[VisitGuest]:
    if any(role not in VisitGuest.Role.values for _customer, role in companions):
        raise Refused("role_unknown", field="role" if field == "who" else field)
    if any(customer_id == host_id for customer_id, _role in companions):
        raise Refused("companion_is_host", field=field)
    return [
        VisitGuest.objects.get_or_create(
            visit_id=visit_id,
            customer_id=customer_id,
            role=role,
            removed_at=None,
            defaults={"recorded_at": at, "recorded_by": actor},
        )[0]
        for customer_id, role in companions
    ]
