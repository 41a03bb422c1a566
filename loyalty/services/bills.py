"""The bill on which a voucher was used: found now or when it is logged, and its coupon flag ticked with it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from customers.models import Visit
from customers.services.coupons import tick_coupon
from loyalty.models import Redemption
from loyalty.services.gifts import loyalty_rules_of
from staff.models import Store

LOOKED_FOR_DAYS = 31
# The versions of a bill that was corrected have one number; it was used on about one moment.
_ONE_BILL = timedelta(days=3)

# The bill of the number that was told; else the only one of who used the voucher that began about then. A bill that has
# another number of the till is another bill.
_FIND = """
SELECT r.id, coalesce(n.id, near.id) FROM loyalty_redemption r
LEFT JOIN customers_visit n ON n.store_id = r.store_id AND n.external_id = r.bill_number AND n.voided_at IS NULL
    AND r.bill_number <> ''
LEFT JOIN LATERAL (SELECT min(v.id::text)::uuid AS id FROM customers_visit v WHERE v.customer_id = r.customer_id
    AND v.store_id = r.store_id AND v.voided_at IS NULL AND v.business_date = r."on"
    AND v.visited_at BETWEEN r.at - %(near)s AND r.at + %(near)s
    AND (r.bill_number = '' OR v.external_id = 'V-' || v.id) HAVING count(*) = 1) near ON n.id IS NULL
WHERE r.store_id = %(store)s AND r.at >= %(since)s AND r.visit_id IS NULL AND r.voided_at IS NULL AND {which}
    AND coalesce(n.id, near.id) IS NOT NULL ORDER BY r.id
"""


@transaction.atomic
def put_on_bills(
    *, store: Store, at: datetime, redemption_id: int | None = None, customer_id: int | None = None
) -> int:
    """Find the bills of the vouchers used here in the last 31 days (of one use, or of one guest) that have none yet, and
    tick their coupon flags; how many found theirs. May run twice.
    """
    which = "true"
    if redemption_id is not None:
        which = "r.id = %(one)s"
    elif customer_id is not None:
        which = "r.customer_id = %(one)s"
    params: dict[str, Any] = {
        "store": store.pk, "since": at - timedelta(days=LOOKED_FOR_DAYS), "one": redemption_id or customer_id,
        "near": timedelta(hours=loyalty_rules_of(store).visit_hours),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FIND.format(which=which), params)
        found: list[tuple[int, UUID]] = cursor.fetchall()
    return sum(_put(store, pk, visit_id) for pk, visit_id in found)


def _put(store: Store, redemption_id: int, visit_id: UUID) -> bool:
    waiting = Redemption.objects.select_for_update().filter(pk=redemption_id, visit=None, voided_at=None)
    redemption = waiting.first()
    if redemption is None:
        return False
    redemption.ticked = tick_coupon(store=store, visit_id=visit_id, used=True)
    redemption.visit_id = visit_id
    redemption.save(update_fields=["visit", "ticked"])
    return True


def take_off_bill(store: Store, redemption: Redemption) -> None:
    """A use was a mistake: no coupon was used on its bill, unless it was said otherwise or another voucher stands for it.

    The caller holds the redemption. The bill's row is held while the others are looked for, so that one that is used at
    this moment is seen or sees.
    """
    if not redemption.ticked or redemption.visit is None:
        return
    number = redemption.visit.external_id
    versions = Visit.objects.select_for_update().filter(store=store, external_id=number, voided_at=None)
    bill = versions.first()
    if bill is None:
        return
    others: Any = Redemption.objects.select_for_update(of=("self",)).filter(
        store=store, at__range=(redemption.at - _ONE_BILL, redemption.at + _ONE_BILL), voided_at=None,
        visit__external_id=number,
    )  # fmt: skip
    heir = others.exclude(pk=redemption.pk).order_by("pk").first()
    if heir is None:
        tick_coupon(store=store, visit_id=bill.pk, used=False)
    else:
        heir.ticked = True
        heir.save(update_fields=["ticked"])
