"""The figures of a day, counted by the night; a held night let through."""

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from common.doorbell import ring
from common.errors import NotHere, Refused
from common.messages import add_sentences
from ops.models import Run
from reports.models import StoreDay
from staff.models import Person, Store
from tiering.selectors.decisions import moves

add_sentences({"night_not_held": _("这一晚不在等待确认，可能已经有人确认过了。")})

_COUNT = """
SELECT count(*), count(DISTINCT customer_id), coalesce(sum(amount_fen), 0) FROM customers_visit
WHERE store_id = %(store)s AND business_date = %(on)s AND voided_at IS NULL AND counted_at IS NOT NULL
"""
# The standing of every guest on that night: the decision that stood then.
_TIERS = """
SELECT tier, count(*) FROM (
    SELECT DISTINCT ON (customer_id) tier FROM tiering_tierdecision
    WHERE store_id = %(store)s AND axis = 'tier' AND business_date <= %(on)s
    ORDER BY customer_id, business_date DESC, id DESC) stood
GROUP BY tier
"""
_TASKS = "SELECT count(*) FROM care_task WHERE store_id = %(store)s AND opened_on = %(on)s"
_MESSAGES = """
SELECT count(*) FILTER (WHERE state <> 'skipped'), count(*) FILTER (WHERE state = 'skipped')
FROM care_message WHERE store_id = %(store)s AND planned_on = %(on)s
"""


def count_day(*, store: Store, on: date) -> dict[str, Any]:
    """Write the figures of business day `on`; counting again gives the same row. Returns what it counted."""
    params: dict[str, Any] = {"store": store.pk, "on": on}
    moved = moves(store, on)
    rose = sum(move.rose for move in moved)
    fell = len(moved) - rose
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, params)
        visits, guests, revenue = cursor.fetchone()
        cursor.execute(_TIERS, params)
        tiers = dict(cursor.fetchall())
        cursor.execute(_TASKS, params)
        (tasks,) = cursor.fetchone()
        cursor.execute(_MESSAGES, params)
        planned, skipped = cursor.fetchone()
    StoreDay.objects.update_or_create(
        store=store,
        business_date=on,
        defaults={
            "visits": visits,
            "guests": guests,
            "revenue_fen": int(revenue),
            "tiers": tiers,
            "rose": rose,
            "fell": fell,
            "tasks_opened": tasks,
            "messages_planned": planned,
            "messages_skipped": skipped,
        },
    )
    return {"visits": visits, "guests": guests, "revenue_fen": int(revenue), "tiers": tiers}


@transaction.atomic
def approve_night(*, store: Store, run_id: int, actor: Person, at: datetime) -> Run:
    """Let a night that the brake holds run again without it; who nodded stays with the run.

    Refuses (409) a night that is not held: somebody approved it before, or it has run meanwhile.
    """
    run = Run.objects.select_for_update().filter(pk=run_id, store_id=store.pk, kind="night").first()
    if run is None:
        raise NotHere()
    if run.state != Run.State.HELD:
        raise Refused("night_not_held", status=409)
    run.state, run.approved_by_id, run.error = Run.State.NEW, actor.pk, ""
    run.save(update_fields=["state", "approved_by_id", "error"])
    ring("night")
    return run
