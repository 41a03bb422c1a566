"""What an examination of tiers needs again and again: days, visits through the front door, nights, content hashes."""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from customers.models import Customer, Patronage, Visit
from customers.services.upkeep import recount
from customers.services.visits import VisitInput, record_visit
from staff.models import Store
from tests.cast import put_on_file
from tiering.models import Night, TierDecision
from tiering.rules import Scheme
from tiering.selectors.schemes import scheme_of
from tiering.services.decisions import Outcome, decide_night
from tiering.services.schemes import adopt, save_scheme

LONG_AGO = date(2020, 1, 1)


def noon(on: date) -> datetime:
    """Twelve o'clock in Shanghai on a day."""
    return datetime(on.year, on.month, on.day, 4, tzinfo=UTC)


def days(first: date, last: date) -> list[date]:
    """Every day from first to last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def come(store: Store, guest: Customer, on: date, yuan: float = 0, **more: Any) -> uuid.UUID:
    """A visit of `on` at noon (or `hour` o'clock, Shanghai), logged the same moment as the floor does."""
    hour = more.pop("hour", 12)
    moment = noon(on) + timedelta(hours=hour - 12)
    visit = VisitInput(visited_at=moment, amount_fen=round(yuan * 100), customer_id=guest.pk, **more)
    recorded = record_visit(
        store=store, visit_id=uuid.uuid4(), visit=visit, entry="tablet", actor=None, at=moment
    )
    assert recorded.status == "created" and not recorded.held
    return recorded.visit_id


def came(store: Store, bills: Iterable[tuple[Customer, date, float, int, str]]) -> None:
    """Visits of the past as an import leaves them, all at once: (guest, day, yuan, hour, occasion) each."""
    Visit.objects.bulk_create(
        Visit(
            id=uuid.uuid4(), store=store, customer=guest, external_id=f"M{uuid.uuid4().hex}", business_date=on,
            visited_at=noon(on) + timedelta(hours=hour - 12), amount_fen=round(yuan * 100), occasion=occasion,
            entry="import", recorded_at=noon(on), counted_at=noon(on),
        )
        for guest, on, yuan, hour, occasion in bills
    )  # fmt: skip
    recount(store.pk)


def bring(store: Store, introducer: Customer, on: date, how_many: int, yuan: float = 1) -> list[Customer]:
    """New guests introduced by somebody, each with a first paid bill on `on`."""
    brought = []
    for _ in range(how_many):
        guest = put_on_file(store, "带来的客人", noon(on), introduced_by=introducer.pk)
        come(store, guest, on, yuan)
        brought.append(guest)
    return brought


def use(store: Store, body: dict[str, Any], from_date: date = LONG_AGO) -> Scheme:
    """Save a scheme and adopt it; the scheme as read."""
    at = noon(from_date)
    version = save_scheme(store=store, body=body, actor=None, at=at)
    adopt(store=store, version=version, from_date=from_date, actor=None, at=at)
    return scheme_of(version)


def night(store: Store, on: date, **more: Any) -> Outcome:
    """The night of `on`, decided the day after at 04:30 Shanghai unless `at` says otherwise."""
    at = more.pop("at", noon(on) + timedelta(hours=16, minutes=30))
    return decide_night(store, on, at=at, **more)


def nights(store: Store, first: date, last: date) -> None:
    """Every night from first to last, each in its time."""
    for on in days(first, last):
        night(store, on)


def label(store: Store, guest: Customer, axis: str = "tier") -> str:
    """What stands on the door."""
    patronage = Patronage.objects.get(store=store, customer=guest)
    return patronage.tier if axis == "tier" else patronage.labels.get(axis, "")


def told(store: Store, guest: Customer, axis: str = "tier") -> list[Any]:
    """The reasons of the newest decision."""
    decision = TierDecision.objects.filter(store=store, customer=guest, axis=axis).order_by("-id").first()
    assert decision is not None
    return decision.reasons


def rule(fact: str, value: float, op: str = ">=") -> dict[str, Any]:
    """A comparison as a scheme file writes it."""
    return {"fact": fact, "op": op, "value": value}


def ladder(*whens: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A scheme of tiers A, B … with these rules; the last is the rest, and the fallback."""
    codes = "ABCDEFGH"[: len(whens) + 1]
    tiers = [
        {"code": code, "name": code, "when": when}
        for code, when in zip(codes, [*whens, {"otherwise": True}], strict=True)
    ]
    return {"id": "examined", "name": "受检", "fallback": codes[-1], "tiers": tiers} | more


# What the rows say, without keys that a sequence deals out and without clocks.
DECISION_COLUMNS = (
    "customer__patronages__external_id", "axis", "business_date", "version__scheme__code", "version__number", "tier",
    "previous", "reasons", "facts", "corrected",
)  # fmt: skip
LABEL_COLUMNS = ("external_id", "tier", "tier_since", "labels")
NIGHT_COLUMNS = ("axis", "business_date", "version__scheme__code", "version__number", "changed")


def decision_rows(store: Store) -> list[tuple[Any, ...]]:
    """The store's decisions in their order of time, as DECISION_COLUMNS."""
    return list(
        TierDecision.objects.filter(store=store, customer__patronages__store=store)
        .order_by("axis", "business_date", "customer__patronages__external_id", "id")
        .values_list(*DECISION_COLUMNS)
    )


def content_hash(store: Store) -> str:
    """SHA-256 over decisions (DECISION_COLUMNS), labels (LABEL_COLUMNS) and nights (NIGHT_COLUMNS) of a store."""
    tables: list[Iterable[tuple[Any, ...]]] = [
        decision_rows(store),
        Patronage.objects.filter(store=store).order_by("external_id").values_list(*LABEL_COLUMNS),
        Night.objects.filter(store=store).order_by("axis", "business_date").values_list(*NIGHT_COLUMNS),
    ]
    said = "\n".join(repr(list(rows)) for rows in tables)
    return hashlib.sha256(said.encode()).hexdigest()
