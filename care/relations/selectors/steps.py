"""The nine steps of a relation: how far the guests put on file in a month have come, and who stands still."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from care.models import Message, StepTarget
from care.relations.rules import funnel, furthest, is_stuck
from care.relations.services.calls import RETURNS
from common.clock import add_months
from customers.models import Patronage
from customers.selectors.listing import guests_of
from staff.models import Store

SHOWN = 200

# One row a guest of the month, each step with the first day on which its fact held. A person's business is reached out:
# whoever has an owner has been taken on from the first day.
_FACTS = """
WITH guest AS MATERIALIZED (
    SELECT p.id, p.customer_id, p.since, p.owner_id, p.first_visit_on, p.usual_table FROM customers_patronage p
    WHERE p.store_id = %(store)s AND p.since BETWEEN %(first)s AND %(last)s AND {who}
), seen AS MATERIALIZED (
    SELECT g.customer_id, v.business_date, s.visit_id IS NOT NULL OR v.note IS NOT NULL OR v.dishes <> '[]'::jsonb AS served
    FROM guest g JOIN customers_visit v ON v.customer_id = g.customer_id AND v.store_id = %(store)s
        AND v.voided_at IS NULL AND v.counted_at IS NOT NULL AND v.business_date <= %(today)s
    LEFT JOIN care_served s ON s.visit_id = v.id
), came AS (
    SELECT customer_id, min(business_date) AS first, min(business_date) FILTER (WHERE served) AS served
    FROM seen GROUP BY 1
), done AS MATERIALIZED (
    SELECT g.customer_id, e.outcome, t.channel, t.code, l.trigger,
        ((e.at AT TIME ZONE %(zone)s) - %(cutoff)s::interval)::date AS on
    FROM guest g JOIN care_task t ON t.customer_id = g.customer_id AND t.store_id = %(store)s
    JOIN care_taskevent e ON e.task_id = t.id AND e.outcome IN ('done', 'not_reached', 'declined')
    LEFT JOIN care_planline l ON l.id = t.line_id
), acts AS (
    SELECT d.customer_id, min(d.on) AS tried,
        min(d.on) FILTER (WHERE d.outcome = 'done' AND d.channel IN ('phone', 'visit', 'wechat', 'event')) AS reached,
        min(d.on) FILTER (WHERE d.outcome = 'done' AND d.channel IN ('gift', 'in_store', 'card', 'event')) AS given,
        min(d.on) FILTER (WHERE d.outcome = 'done' AND (d.code = ANY(%(returns)s) OR d.trigger = 'after_visit')
            AND d.on >= c.first) AS returned
    FROM done d LEFT JOIN came c ON c.customer_id = d.customer_id GROUP BY 1
), texts AS (
    SELECT g.customer_id, min((m.claimed_at AT TIME ZONE %(zone)s)::date) AS on FROM guest g
    JOIN care_message m ON m.customer_id = g.customer_id AND m.store_id = %(store)s AND m.state = ANY(%(handed)s)
    GROUP BY 1
), said AS (
    SELECT g.customer_id, min((r.at AT TIME ZONE %(zone)s)::date) AS on FROM guest g
    JOIN care_guestreply r ON r.customer_id = g.customer_id AND r.store_id = %(store)s AND NOT r.stopped GROUP BY 1
), met AS (
    SELECT g.customer_id, least(
        (SELECT min(a.attended_on) FROM customers_participation a WHERE a.customer_id = g.customer_id
            AND a.store_id = %(store)s AND a.voided_at IS NULL AND a.attended_on <= %(today)s),
        (SELECT min(s.made_on) FROM feedback_suggestion s WHERE s.customer_id = g.customer_id
            AND s.store_id = %(store)s AND s.withdrawn_at IS NULL),
        (SELECT min((i.recorded_at AT TIME ZONE %(zone)s)::date) FROM customers_introduction i
            WHERE i.introducer_id = g.customer_id AND i.voided_at IS NULL)) AS on
    FROM guest g
)
SELECT g.id, g.since,
    CASE WHEN g.owner_id IS NOT NULL THEN g.since ELSE least(a.tried, x.on) END AS develop,
    least(a.reached, y.on) AS respond, c.first AS receive, c.served AS serve,
    CASE WHEN c.first IS NOT NULL AND (u.likes <> '' OR u.taboos IS NOT NULL OR u.allergies IS NOT NULL
        OR g.usual_table <> '') THEN c.first ELSE a.given END AS care,
    a.returned AS return, m.on AS interact
FROM guest g JOIN customers_customer u ON u.id = g.customer_id
LEFT JOIN came c ON c.customer_id = g.customer_id LEFT JOIN acts a ON a.customer_id = g.customer_id
LEFT JOIN texts x ON x.customer_id = g.customer_id LEFT JOIN said y ON y.customer_id = g.customer_id
LEFT JOIN met m ON m.customer_id = g.customer_id
ORDER BY g.id
"""


@dataclass(frozen=True)
class Standing:
    """Where one guest stands, and since when."""

    patronage_id: int
    step: str
    since: date


@dataclass(frozen=True)
class Month:
    """The guests put on file in a month: every step with how many reached it and the share of the step before; how many
    stand at which step, and how many of them for too long.
    """

    first: date
    target: int | None
    rows: list[tuple[str, int | None, float | None]]
    at: dict[str, int]
    stuck: dict[str, int]
    standings: list[Standing]


def month_of_steps(store: Store, first: date, stuck_days: int, today: date) -> Month:
    """How far the guests put on file in the month beginning on `first` have come by `today`. Two queries."""
    standings = _standings(store, first, add_months(first, 1) - timedelta(days=1), today, "true", {})
    target = StepTarget.objects.filter(store=store, month=first).values_list("number", flat=True).first()
    at = Counter(each.step for each in standings)
    stuck = Counter(each.step for each in standings if is_stuck(each.step, each.since, stuck_days, today))
    return Month(first, target, funnel(target, at), dict(at), dict(stuck), standings)


def stuck_guests(
    store: Store, month: Month, step: str, stuck_days: int, today: date
) -> list[tuple[Patronage, date]]:
    """The guests who stand at a step for too long, with since when, the longest first; at most 200. One query."""
    stuck = [
        each
        for each in month.standings
        if each.step == step and is_stuck(each.step, each.since, stuck_days, today)
    ]
    stuck = sorted(stuck, key=lambda each: (each.since, each.patronage_id))[:SHOWN]
    guests = guests_of(store).in_bulk([each.patronage_id for each in stuck])
    return [(guests[each.patronage_id], each.since) for each in stuck]


def step_of(store: Store, customer_id: int, today: date) -> Standing | None:
    """Where one guest of the store stands. One query."""
    found = _standings(
        store, date(1900, 1, 1), today, today, "p.customer_id = %(customer)s", {"customer": customer_id}
    )
    return found[0] if found else None


def _standings(
    store: Store, first: date, last: date, today: date, who: str, more: dict[str, Any]
) -> list[Standing]:
    params: dict[str, Any] = {
        "store": store.pk, "first": first, "last": last, "today": today, "zone": store.timezone,
        "cutoff": store.day_ends_at, "returns": list(RETURNS), "handed": list(Message.HANDED),
    }  # fmt: skip
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_FACTS.format(who=who), params | more)
        names = [column[0] for column in cursor.description or ()][2:]
        for pk, since, *days in cursor.fetchall():
            found.append(Standing(pk, *furthest(since, dict(zip(names, days, strict=True)))))
    return found
