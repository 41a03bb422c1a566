"""The night's step that settles what gestures earned: three statements for a whole store, never a loop over guests."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from care.models import OutcomeDays, Trigger
from care.outcomes import CORRECTED_FOR, DAYS, DEFAULT_DAYS, MOST_DAYS
from common.clock import moment_of
from common.errors import Refused
from staff.models import Store

# A night that was missed for so long is caught up; older gestures stay unsettled.
CAUGHT_UP_DAYS = 31
# A text is planned at most so long before it goes out.
_PLANNED_AHEAD_DAYS = 100

# The gestures made between two moments, each with its code and what made it due.
_GESTURES = """
    SELECT t.customer_id, t.id AS task_id, NULL::uuid AS message_id, t.channel, t.settled_at AS made_at,
        CASE WHEN t.code = 'campaign' THEN t.occasion ELSE t.code END AS code,
        coalesce(l.trigger, split_part(t.code, '_by_hand', 1)) AS trigger
    FROM care_task t LEFT JOIN care_planline l ON l.id = t.line_id
    WHERE t.store_id = %(store)s AND t.state = 'done' AND t.settled_at >= %(first)s AND t.settled_at < %(last)s
    UNION ALL
    SELECT m.customer_id, NULL, m.id, 'sms', m.claimed_at,
        CASE WHEN m.category = 'campaign' THEN m.occasion ELSE 'sms_' || m.category END, m.category
    FROM care_message m
    WHERE m.store_id = %(store)s AND m.state IN ('accepted', 'delivered') AND m.claimed_at >= %(first)s
        AND m.claimed_at < %(last)s AND m.created_at >= %(planned)s AND m.created_at < %(last)s"""
_MADE_ON = "((g.made_at AT TIME ZONE %(zone)s) - %(cutoff)s::interval)::date"
# The guest's first visit after the gesture, within its days. A visit that was voided or waits for a nod is none.
CAME = """LEFT JOIN LATERAL (SELECT v.id, v.business_date, v.amount_fen FROM customers_visit v
    WHERE v.customer_id = {of}.customer_id AND v.store_id = %(store)s AND v.voided_at IS NULL
        AND v.counted_at IS NOT NULL AND v.visited_at > {of}.made_at AND v.business_date <= {of}.settled_on
    ORDER BY v.visited_at, v.id LIMIT 1) came ON true"""
# The tier a guest had on a day: the one on the door, if it was there already; else the last decision until then.
_TIER_ON = """CASE WHEN coalesce(p.tier_since <= {day}, true) THEN p.tier ELSE coalesce((
    SELECT d.tier FROM tiering_tierdecision d WHERE d.customer_id = p.customer_id AND d.store_id = p.store_id
        AND d.axis = 'tier' AND d.business_date <= {day}
    ORDER BY d.business_date DESC, d.id DESC LIMIT 1), '') END"""

_CORRECT = """
UPDATE care_outcome o SET came_on = n.business_date, visit_id = n.visit_id, spend_fen = n.amount_fen
FROM (SELECT c.id, came.id AS visit_id, came.business_date, came.amount_fen FROM care_outcome c {came}
    WHERE c.store_id = %(store)s AND c.settled_on >= %(correctable)s) n
WHERE o.id = n.id AND (o.came_on, o.visit_id, o.spend_fen)
    IS DISTINCT FROM (n.business_date, n.visit_id, n.amount_fen)
""".format(came=CAME.format(of="c"))

_SETTLE = """
WITH gesture AS MATERIALIZED ({gestures}), due AS MATERIALIZED (
    SELECT g.*, {made_on} AS made_on, coalesce(w.days, %(default)s) AS days,
        {made_on} + coalesce(w.days, %(default)s) AS settled_on
    FROM gesture g LEFT JOIN jsonb_to_recordset(%(days)s::jsonb) w(trigger text, days int) ON w.trigger = g.trigger
), settled AS (
    INSERT INTO care_outcome (store_id, customer_id, task_id, message_id, code, trigger, channel, tier, made_at,
        made_on, days, settled_on, came_on, visit_id, spend_fen)
    SELECT %(store)s, g.customer_id, g.task_id, g.message_id, g.code, g.trigger, g.channel, {tier}, g.made_at,
        g.made_on, g.days, g.settled_on, came.business_date, came.id, came.amount_fen
    FROM due g LEFT JOIN customers_patronage p ON p.store_id = %(store)s AND p.customer_id = g.customer_id {came}
    WHERE g.settled_on BETWEEN %(since)s AND %(on)s
    ON CONFLICT DO NOTHING RETURNING came_on
)
SELECT count(*), count(came_on) FROM settled
""".format(
    gestures=_GESTURES,
    made_on=_MADE_ON,
    tier=f"coalesce({_TIER_ON.format(day='g.made_on')}, '')",
    came=CAME.format(of="g"),
)

# `turn`: a day's gestures of one kind and tier that have nobody to be compared with yet; `moment`: when, on the mean,
# they were made, so that the others have as many hours to come as the guests of the gestures had.
_COMPARE = """
WITH turn AS MATERIALIZED (
    SELECT o.code, o.tier, o.made_on, o.days, to_timestamp(avg(extract(epoch FROM o.made_at))) AS moment
    FROM care_outcome o WHERE o.store_id = %(store)s AND o.settled_on BETWEEN %(since)s AND %(on)s
        AND o.code NOT LIKE 'campaign:%%' AND NOT EXISTS (SELECT 1 FROM care_baseline b
            WHERE b.store_id = o.store_id AND b.code = o.code AND b.tier = o.tier AND b.made_on = o.made_on
            AND b.days = o.days)
    GROUP BY 1, 2, 3, 4
), span AS MATERIALIZED (SELECT DISTINCT made_on, days FROM turn), gesture AS MATERIALIZED ({gestures}
), touched AS MATERIALIZED (
    SELECT DISTINCT t.code, t.made_on, t.days, g.customer_id FROM (SELECT DISTINCT code, made_on, days FROM turn) t
    JOIN gesture g ON g.code = t.code AND {made_on} BETWEEN t.made_on - t.days AND t.made_on + t.days
), seen AS MATERIALIZED (
    SELECT s.made_on, s.days, v.customer_id, max(v.visited_at) AS last FROM span s JOIN customers_visit v
        ON v.store_id = %(store)s AND v.voided_at IS NULL AND v.counted_at IS NOT NULL
        AND v.business_date BETWEEN s.made_on AND s.made_on + s.days
    GROUP BY 1, 2, 3
), guest AS MATERIALIZED (
    SELECT s.made_on, s.days, p.customer_id, {tier} AS tier, v.last
    FROM span s JOIN customers_patronage p ON p.store_id = %(store)s AND p.since <= s.made_on
    LEFT JOIN seen v ON v.made_on = s.made_on AND v.days = s.days AND v.customer_id = p.customer_id
)
INSERT INTO care_baseline (store_id, code, tier, made_on, days, guests, came)
SELECT %(store)s, t.code, t.tier, t.made_on, t.days, count(g.customer_id) FILTER (WHERE x.customer_id IS NULL),
    count(*) FILTER (WHERE x.customer_id IS NULL AND g.last > t.moment)
FROM turn t LEFT JOIN guest g ON g.made_on = t.made_on AND g.days = t.days AND g.tier = t.tier
LEFT JOIN touched x ON x.code = t.code AND x.made_on = t.made_on AND x.days = t.days
    AND x.customer_id = g.customer_id
GROUP BY 2, 3, 4, 5
ON CONFLICT DO NOTHING
""".format(gestures=_GESTURES, made_on=_MADE_ON, tier=_TIER_ON.format(day="s.made_on"))


def days_set(store: Store) -> dict[str, int]:
    """The days that the store set itself, by trigger."""
    return dict(OutcomeDays.objects.filter(store=store).values_list("trigger", "days"))


@transaction.atomic
def change_days(*, store: Store, days: Mapping[str, int]) -> None:
    """Set how many days a guest has to come back, by trigger. What is settled already stays as it is.

    Refuses (Refused) a trigger that is none, and fewer than 1 or more than 90 days. May run twice.
    """
    for trigger, number in days.items():
        if trigger not in Trigger.values or not 1 <= number <= MOST_DAYS:
            raise Refused("days_out_of_range", field=trigger, most=MOST_DAYS)
        OutcomeDays.objects.update_or_create(store=store, trigger=trigger, defaults={"days": number})


@transaction.atomic
def settle_outcomes(*, store: Store, on: date, at: datetime, today: date) -> dict[str, int]:
    """Settle the gestures whose days are over by the end of business date `on`; look again at those settled lately.

    Counts: `settled`, of them `returned`; `corrected`: whose answer another visit, a voided or a corrected one changed
    (those settled at most 30 days before `today`). A night that was missed is caught up. May run twice.
    """
    since = on - timedelta(days=CAUGHT_UP_DAYS)
    days = {**DAYS, **days_set(store)}
    params: dict[str, Any] = {
        "store": store.pk, "on": on, "since": since, "zone": store.timezone, "cutoff": store.day_ends_at,
        "last": min(at, moment_of(on + timedelta(days=1), store.day_ends_at, store.timezone)),
        "default": DEFAULT_DAYS, "days": json.dumps([{"trigger": t, "days": n} for t, n in days.items()]),
        "correctable": today - timedelta(days=CORRECTED_FOR),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CORRECT, params)
        corrected = cursor.rowcount
        cursor.execute(_SETTLE, params | _from(since - timedelta(days=MOST_DAYS), store))
        settled, came = cursor.fetchone()
        cursor.execute(_COMPARE, params | _from(since - timedelta(days=2 * MOST_DAYS), store))
    return {"settled": settled, "returned": came, "corrected": corrected}


def _from(day: date, store: Store) -> dict[str, Any]:
    return {
        "first": moment_of(day, time(), store.timezone),
        "planned": moment_of(day - timedelta(days=_PLANNED_AHEAD_DAYS), time(), store.timezone),
    }
