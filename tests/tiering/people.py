"""Guests, bills and nights for the pages around a guest's tier."""

import uuid
from datetime import date, timedelta

from customers.models import Patronage
from customers.services.visits import VisitInput, record_visit
from tests.cast import NOON
from tiering.services.decisions import decide_night
from tiering.services.schemes import adopt, adopt_preset, save_scheme

TODAY = date(2026, 6, 20)
LONG_AGO = TODAY - timedelta(days=400)


def dine(store, guest, days_ago: int, yuan: int, *, entered=None, **said):
    """A bill some days before noon of 20 June 2026, written down at once unless `entered` days ago."""
    when = NOON - timedelta(days=days_ago)
    at = when if entered is None else NOON - timedelta(days=entered)
    return record_visit(
        store=store, visit_id=uuid.uuid4(), entry="api", actor=None, at=at,
        visit=VisitInput(visited_at=when, amount_fen=yuan * 100, customer_id=guest.pk, **said),
    )  # fmt: skip


def use(store, scheme, head=None):
    """A preset by its code, or a scheme's JSON, in force since long ago."""
    if isinstance(scheme, str):
        return adopt_preset(store=store, code=scheme, from_date=LONG_AGO, actor=head, at=NOON)
    version = save_scheme(store=store, body=scheme, actor=head, at=NOON)
    return adopt(store=store, version=version, from_date=LONG_AGO, actor=head, at=NOON)


def night(store, days_ago: int = 1, at=NOON):
    """The night of a day past, decided now."""
    return decide_night(store, TODAY - timedelta(days=days_ago), at=at, approved=True)


def label(store, guest, axis: str = "tier") -> str:
    """What stands on the guest's door."""
    patronage = Patronage.objects.get(store=store, customer=guest)
    return patronage.tier if axis == "tier" else patronage.labels.get(axis, "")
