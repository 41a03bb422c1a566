"""The voucher that goes with a gesture of the plan: into the guests' hands with the night's own step."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from care.playbook import Line
from customers.models import Patronage
from loyalty.models import VoucherKind
from loyalty.services.issuing import issue
from staff.models import Store


def give_vouchers(
    store: Store,
    kind: VoucherKind,
    line: Line,
    owed: Sequence[tuple[int, str]],
    *,
    on: date,
    at: datetime,
) -> int:
    """Give the kind to the guests whose gesture was opened, each with its occasion; how many are new.

    A kind that is retired gives nothing more. A welcome is for who is new to the brand, not for who comes to another
    of its stores for the first time. May run twice.
    """
    if kind.retired_at is not None:
        return 0
    known = known_elsewhere(store, [pk for pk, _ in owed]) if line.trigger == "new_guest" else frozenset()
    guests = [(pk, occasion_of(line, occasion)) for pk, occasion in owed if pk not in known]
    return issue(store=store, kind=kind, guests=guests, on=on, at=at)


def occasion_of(line: Line, occasion: str) -> str:
    """What the voucher is for: of a birthday the year alone, so that one that is put right brings no second voucher."""
    return f"birthday:{occasion.rsplit(':', 1)[-1]}" if line.trigger == "birthday" else occasion


# The same in SQL, of the occasion of a text that `judged` plans.
OCCASION_OF = {
    "birthday": "'birthday:' || split_part(judged.occasion, ':', -1)",
    "festival": "judged.occasion",
    "absence": "judged.occasion",
}


def known_elsewhere(store: Store, customer_ids: Collection[int]) -> frozenset[int]:
    """Those of the guests who were on file in another store of the brand before they were here."""
    files = Patronage.objects.filter(customer__in=customer_ids).order_by("customer_id", "since", "pk")
    first = files.distinct("customer_id").values_list("customer_id", "store_id")
    return frozenset(pk for pk, place in first if place != store.pk)
