"""What ends by itself in a night: tasks whose last day is over, whose guest came, whose guest has another label now."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from care.playbook import CADENCES
from care.services.working import Door
from staff.models import Store
from tiering.axes import MAIN
from tiering.compile import quoted
from tiering.services.judgements import LIKELY

# Closed because the ground fell away: nobody was told anything, so it is no gesture, and opens again with the ground.
UNDONE = "({task}.state = 'closed' AND {task}.reason IN ('tier_changed', 'scheme_changed', 'festival_off'))"

_CLOSE = "UPDATE care_task t SET state = %(state)s, reason = %(reason)s, settled_at = %(at)s "
_MINE = "t.store_id = %(store)s AND t.state = 'open'"
_OF_LINE = (
    f"{_CLOSE} FROM care_planline l, customers_patronage p WHERE {_MINE} AND l.id = t.line_id "
    "AND p.customer_id = t.customer_id AND p.store_id = t.store_id AND "
)
_OF_CADENCE = (
    f"{_CLOSE} FROM care_planline l JOIN care_plan n ON n.id = l.plan_id, customers_patronage p "
    f"WHERE {_MINE} AND l.id = t.line_id AND l.trigger = ANY(%(cadences)s) "
    "AND p.customer_id = t.customer_id AND p.store_id = t.store_id AND "
)
_LIKELY = (
    "EXISTS (SELECT 1 FROM tiering_judgement j WHERE j.store_id = p.store_id AND j.customer_id = p.customer_id "
    "AND j.code = %(likely)s || l.tier AND j.withdrawn_at IS NULL "
    "AND (j.valid_until IS NULL OR j.valid_until >= %(today)s) OFFSET 0)"
)
_ESCALATE = """
WITH late AS (
    UPDATE care_task SET escalated_on = %(today)s WHERE store_id = %(store)s AND state = 'open'
    AND escalated_on IS NULL AND due_on < %(before)s RETURNING id
)
INSERT INTO care_taskevent (task_id, outcome, note, at) SELECT id, 'escalated', '', %(at)s FROM late ORDER BY id
"""


def close_tasks(
    *, store: Store, doors: Sequence[Door], overdue_days: int, at: datetime, today: date
) -> dict[str, int]:
    """Close what is past its last day, what the guest's coming has settled, what belongs to a tier no longer held or to
    a scheme no longer in force (`doors`: what is); put what is later than the store allows on the list of those who
    lead. Counts by what was done. May run twice.
    """
    params: dict[str, Any] = {
        "at": at, "store": store.pk, "today": today, "cadences": list(CADENCES), "likely": LIKELY,
        "schemes": [door.code for door in doors], "before": today - timedelta(days=overdue_days),
    }  # fmt: skip
    left = " OR ".join(f"(n.scheme_code = {quoted(door.code)} AND {_left(door)})" for door in doors)
    counts: dict[str, int] = {}
    with connection.cursor() as cursor:
        for name, state, sql in (
            ("too_late", "expired", f"{_CLOSE} WHERE {_MINE} AND t.close_on < %(today)s"),
            ("came", "closed", f"{_OF_LINE} l.trigger = 'absence' AND p.last_visit_on > t.event_on"),
            ("came", "closed", f"{_OF_LINE} l.trigger = 'falling' AND p.last_visit_on >= t.opened_on"),
            ("scheme_changed", "closed", f"{_OF_CADENCE} n.scheme_code <> ALL(%(schemes)s)"),
            ("tier_changed", "closed", f"{_OF_CADENCE} ({left})"),
        ):
            cursor.execute(sql, params | {"state": state, "reason": name})
            name = "expired" if state == "expired" else name
            counts[name] = counts.get(name, 0) + cursor.rowcount
        cursor.execute(_ESCALATE, params)
        if cursor.rowcount:
            counts["escalated"] = cursor.rowcount
    return counts


def _left(door: Door) -> str:
    """Whether the guest has no longer the tier of the line (`l`) on the axis of its plan."""
    left = f"l.tier <> '*' AND NOT ({door.has_that('l.tier')})"
    if door.axis == MAIN:
        return f"{left} AND NOT {_LIKELY}"
    return f"({left} OR NOT ({door.graded}))"
