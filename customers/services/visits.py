"""Logging a visit, once: from the tablet, a machine or a page, all through `record_visit`.

One statement finds the guest, inserts the visit and moves the guest's running sums; the client's UUID makes it
idempotent. What goes wrong is looked into afterwards, off the fast path.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from common.clock import business_date
from common.errors import NotHere, Refused
from common.keys import blind_index
from customers.models import Patronage, Phone, Visit
from customers.services.companions import seat_by_number
from customers.services.upkeep import recount, refresh_search_keys
from staff.models import Person, Store

HELD_AFTER = timedelta(days=7)
AHEAD_AT_MOST = timedelta(days=1)
MAX_FEN = 100_000_000
_NAMED_WHERE_ANY = ("coupon", "companions")


@dataclass(frozen=True)
class VisitInput:
    """A visit as told. One of `customer_id`, `customer_external_id`, `customer_phone` names the guest.

    `companions`: who else sat there, (number in this store, role) each.
    """

    visited_at: datetime
    amount_fen: int
    customer_id: int | None = None
    customer_external_id: str = ""
    customer_phone: str = ""
    external_id: str = ""
    party_size: int | None = None
    table: str = ""
    occasion: str = ""
    channel: str = ""
    dishes: tuple[tuple[str, float], ...] = ()
    note: str = ""
    coupon: bool = False
    companions: tuple[tuple[str, str], ...] = ()

    def digest(self) -> bytes:
        """What makes two bodies the same: SHA-256 over every value, the moment in UTC.

        A coupon and companions count only where there are any: a body that does not know them stays the same.
        """
        values = {name: v for name, v in self.__dict__.items() if v or name not in _NAMED_WHERE_ANY}
        values["visited_at"] = self.visited_at.astimezone(UTC).isoformat()
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest()


@dataclass(frozen=True)
class Recorded:
    """What became of a visit sent to us: `created`, or `same` (it was here already); `held` waits for a nod."""

    visit_id: uuid.UUID
    status: str
    held: bool
    customer_id: int | None
    business_date: date
    external_id: str


_WHO = {
    "customer_id": "p.customer_id = %(customer)s",
    "external_id": "p.external_id = %(customer)s",
    "phone": "p.customer_id = (SELECT t.customer_id FROM customers_phone t WHERE t.brand_id = %(brand)s "
    "AND t.number_index = %(customer)s AND t.kind = 'own')",
}

_RECORD = """
WITH who AS (
    SELECT p.id, p.customer_id FROM customers_patronage p WHERE p.store_id = %(store)s AND {who}
), new AS (
    INSERT INTO customers_visit (id, store_id, customer_id, external_id, business_date, visited_at, amount_fen,
        party_size, table_no, occasion, channel, dishes, note, coupon, entry, body_sha256, recorded_at,
        recorded_by_id, counted_at)
    SELECT %(id)s, %(store)s, who.customer_id, %(external_id)s, %(business_date)s, %(visited_at)s, %(amount)s,
        %(party_size)s, %(table)s, %(occasion)s, %(channel)s, %(dishes)s::jsonb, %(note)s, %(coupon)s, %(entry)s,
        %(digest)s, %(at)s, %(by)s, %(counted_at)s FROM who
    ON CONFLICT DO NOTHING RETURNING customer_id
), sums AS (
    UPDATE customers_patronage p SET visits_total = p.visits_total + 1,
        spend_total_fen = p.spend_total_fen + %(amount)s,
        first_visit_on = least(p.first_visit_on, %(business_date)s),
        first_paid_on = CASE WHEN %(amount)s > 0 THEN least(p.first_paid_on, %(business_date)s)
                             ELSE p.first_paid_on END,
        last_visit_on = greatest(p.last_visit_on, %(business_date)s),
        last_visited_at = greatest(p.last_visited_at, %(visited_at)s),
        last_bill_fen = CASE WHEN {later} THEN %(amount)s ELSE p.last_bill_fen END,
        last_external_id = CASE WHEN {later} THEN %(external_id)s ELSE p.last_external_id END
    FROM who WHERE p.id = who.id AND %(counted_at)s IS NOT NULL AND EXISTS (SELECT 1 FROM new)
)
SELECT (SELECT customer_id FROM who), (SELECT count(*) FROM new), old.store_id, old.body_sha256, old.customer_id,
    old.counted_at IS NULL, old.business_date, old.external_id
FROM (SELECT 1) one LEFT JOIN customers_visit old ON old.id = %(id)s
"""
_LATER = (
    "p.last_visited_at IS NULL OR %(visited_at)s > p.last_visited_at OR (%(visited_at)s = p.last_visited_at "
    'AND %(external_id)s COLLATE "C" > p.last_external_id COLLATE "C")'
)


def record_visit(
    *,
    store: Store,
    visit_id: uuid.UUID,
    visit: VisitInput,
    entry: str,
    actor: Person | None,
    at: datetime,
) -> Recorded:
    """Log a visit. The same id with the same content again is `same`; with other content it is refused (409).

    A visit more than seven days old is kept but held: it counts after a manager's nod. Refuses (Refused) a visit
    more than a day ahead, an absurd amount, a guest who is not known, a bill number that another visit has,
    companions as `seat_guest` refuses them; then the visit is not kept either.
    """
    if not visit.companions:
        return _record(store, visit_id, visit, entry, actor, at)
    with transaction.atomic():
        recorded = _record(store, visit_id, visit, entry, actor, at)
        if recorded.status == "created":
            seat_by_number(
                store=store, visit_id=visit_id, host_id=recorded.customer_id, companions=visit.companions,
                actor=actor, at=at,
            )  # fmt: skip
    return recorded


def _record(
    store: Store, visit_id: uuid.UUID, visit: VisitInput, entry: str, actor: Person | None, at: datetime
) -> Recorded:
    _check(visit, at)
    params = _params(store, visit_id, visit, entry, actor, at)
    sql = _RECORD.format(who=_WHO[params.pop("by_what")], later=_LATER)
    for last_try in (False, True):
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            found = cursor.fetchone()
        customer_id, inserted, old_store, old_digest, old_customer, old_held, old_date, old_number = found
        if inserted:
            return Recorded(
                visit_id, "created", params["counted_at"] is None, customer_id,
                params["business_date"], params["external_id"],
            )  # fmt: skip
        if old_store is not None:
            if old_store != store.pk:
                raise NotHere()
            if bytes(old_digest or b"") != params["digest"]:
                raise Refused("visit_differs", status=409)
            return Recorded(visit_id, "same", old_held, old_customer, old_date, old_number)
        if last_try or not _look_again(store, visit_id, visit, customer_id, params["external_id"], at):
            break
    raise Refused("customer_unknown", field=_named_by(visit))


def _named_by(visit: VisitInput) -> str:
    return "customer_phone" if visit.customer_phone else "customer_external_id"


def _check(visit: VisitInput, at: datetime) -> None:
    if visit.visited_at > at + AHEAD_AT_MOST:
        raise Refused("visit_in_future", field="visited_at")
    if not 0 <= visit.amount_fen <= MAX_FEN:
        raise Refused("amount_out_of_range", field="amount")


def _params(
    store: Store, visit_id: uuid.UUID, visit: VisitInput, entry: str, actor: Person | None, at: datetime
) -> dict[str, Any]:
    customer: int | str | bytes
    if visit.customer_id is not None:
        by_what, customer = "customer_id", visit.customer_id
    elif visit.customer_external_id:
        by_what, customer = "external_id", visit.customer_external_id
    else:
        by_what, customer = "phone", blind_index("phone", visit.customer_phone)
    note = Visit._meta.get_field("note").get_prep_value(visit.note) if visit.note else None
    return {
        "by_what": by_what,
        "customer": customer,
        "id": visit_id,
        "store": store.pk,
        "brand": store.brand_id,
        "external_id": visit.external_id or f"V-{visit_id}",
        "business_date": business_date(visit.visited_at, store.timezone, store.day_ends_at),
        "visited_at": visit.visited_at,
        "amount": visit.amount_fen,
        "party_size": visit.party_size,
        "table": visit.table,
        "occasion": visit.occasion,
        "channel": visit.channel,
        "dishes": json.dumps([{"name": name, "quantity": n} for name, n in visit.dishes]),
        "note": note,
        "coupon": visit.coupon,
        "entry": entry,
        "digest": visit.digest(),
        "at": at,
        "by": actor.pk if actor else None,
        "counted_at": None if at - visit.visited_at > HELD_AFTER else at,
    }


def _look_again(
    store: Store,
    visit_id: uuid.UUID,
    visit: VisitInput,
    customer_id: int | None,
    external_id: str,
    at: datetime,
) -> bool:
    """Why nothing was inserted; True when a second try may succeed (a guest was linked, a race was lost)."""
    if customer_id is not None:
        others = Visit.objects.filter(store=store, external_id=external_id, voided_at=None)
        if others.exclude(pk=visit_id).exists():
            raise Refused("bill_taken", field="external_id", status=409, number=external_id)
        return True
    if not visit.customer_phone:
        return False
    return link_by_phone(store=store, phone=visit.customer_phone, at=at)


@transaction.atomic
def link_by_phone(*, store: Store, phone: str, at: datetime) -> bool:
    """Open a patronage here for the guest of the brand who owns `phone`; False where nobody does."""
    owner = Phone.objects.filter(
        brand_id=store.brand_id, number_index=blind_index("phone", phone), kind=Phone.Kind.OWN
    ).first()
    if owner is None:
        return False
    Patronage.objects.get_or_create(
        customer_id=owner.customer_id,
        store=store,
        defaults={
            "external_id": f"G-{owner.customer_id}",
            "since": store.business_day(at),
        },
    )
    refresh_search_keys([owner.customer_id])
    return True


def _locked(store: Store, visit_id: uuid.UUID) -> Visit:
    visit = Visit.objects.select_for_update().filter(store=store, pk=visit_id).first()
    if visit is None:
        raise NotHere()
    return visit


@transaction.atomic
def void_visit(
    *, store: Store, visit_id: uuid.UUID, reason: str, actor: Person | None, at: datetime
) -> Visit:
    """Take a visit back, with a reason: it stays on file and ceases to count. Voiding twice changes nothing."""
    if not reason.strip():
        raise Refused("reason_missing", field="reason")
    visit = _locked(store, visit_id)
    if visit.voided_at is None:
        visit.voided_at, visit.voided_by, visit.void_reason = at, actor, reason.strip()[:100]
        visit.save(update_fields=["voided_at", "voided_by", "void_reason"])
        if visit.customer_id:
            recount(store.pk, [visit.customer_id])
    return visit


@transaction.atomic
def release_visit(*, store: Store, visit_id: uuid.UUID, actor: Person | None, at: datetime) -> Visit:
    """A manager's nod: a held visit begins to count. Nodding twice changes nothing."""
    visit = _locked(store, visit_id)
    if visit.counted_at is None and visit.voided_at is None:
        visit.counted_at, visit.counted_by = at, actor
        visit.save(update_fields=["counted_at", "counted_by"])
        if visit.customer_id:
            recount(store.pk, [visit.customer_id])
    return visit
