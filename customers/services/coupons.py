"""Whether a coupon was used on a bill, said after the bill was logged."""

from uuid import UUID

from django.db import transaction

from common.errors import NotHere
from customers.models import Visit
from staff.models import Store


@transaction.atomic
def tick_coupon(*, store: Store, visit_id: UUID, used: bool) -> bool:
    """Say that a coupon was used on a bill, or that none was; whether that changed the visit, whose history keeps the old
    row. A visit that was taken back stays as it is. Twice is once; NotHere for another store's.
    """
    visit = Visit.objects.select_for_update().filter(store=store, pk=visit_id).first()
    if visit is None:
        raise NotHere()
    if visit.voided_at is not None or visit.coupon is used:
        return False
    visit.coupon = used
    visit.save(update_fields=["coupon"])
    return True
