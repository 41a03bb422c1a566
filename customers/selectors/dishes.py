"""The dishes a store launched."""

from customers.models import Dish
from staff.models import Store

DISHES_SHOWN = 200


def dishes_of(store: Store) -> list[Dish]:
    """The store's dishes that are not withdrawn, the newest first."""
    rows = Dish.objects.filter(store=store, withdrawn_at=None).select_related("recorded_by")
    return list(rows.order_by("-launched_on", "-id")[:DISHES_SHOWN])
