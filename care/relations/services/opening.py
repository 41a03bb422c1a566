"""The night's part in the long relation: renewals, calls to organisations, calls after a complaint was closed.

Opening twice is the same as once, by the unique key of guest, store, gesture and occasion.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from care.models import Agreement, RelationRules, Task
from care.relations.rules import call_due, counted_from, renewal_on
from care.relations.selectors.accounts import last_contacts
from care.relations.services.accounts import ACCOUNT_CALL, RENEWAL
from care.services.opening import OPENS_FOR_DAYS, OWNER
from staff.models import Store

# At most twelve letters: what came of them is settled under their code.
FOLLOW_UP, WIN_BACK, PLANNED = "follow_up", "win_back", "return_plan"
FOLLOW_UP_WINDOW_DAYS = 14

# One task to the contact's owner, while the owner works here; else for a manager.
OPEN = f"""
INSERT INTO care_task (store_id, customer_id, line_id, code, occasion, channel, zh, en, tier, role, assignee_id,
    event_on, due_on, close_on, opened_on, opened_at, state, reason)
SELECT p.store_id, p.customer_id, NULL, %(code)s, %(occasion)s, %(channel)s, %(zh)s, %(en)s, p.tier, 'manager',
    {OWNER}, %(event_on)s, %(due_on)s, %(close_on)s, %(day)s, %(at)s, 'open', ''
FROM customers_patronage p WHERE p.store_id = %(store)s AND p.customer_id = %(customer)s
ON CONFLICT (customer_id, store_id, code, occasion) DO UPDATE SET state = 'open', reason = '', settled_at = NULL,
    due_on = excluded.due_on, close_on = excluded.close_on, event_on = excluded.event_on,
    assignee_id = excluded.assignee_id, opened_on = excluded.opened_on, opened_at = excluded.opened_at
WHERE care_task.state = 'closed' AND care_task.reason = 'agreement_changed'
"""

# One call for all the complaints of a guest that were closed on one day.
_FOLLOW_UP = f"""
INSERT INTO care_task (store_id, customer_id, line_id, code, occasion, channel, zh, en, tier, role, assignee_id,
    event_on, due_on, close_on, opened_on, opened_at, state, reason)
SELECT DISTINCT p.store_id, p.customer_id, NULL::bigint, %(code)s, 'complaint:' || to_char(d.closed_on, 'YYYY-MM-DD'),
    'phone', '投诉处理后回访：现在满意了吗？', 'After the complaint was settled: is all well now?', p.tier, 'manager',
    {OWNER}, d.closed_on, greatest(d.closed_on + %(after)s, %(day)s), d.closed_on + %(after)s + %(window)s, %(day)s, %(at)s,
    'open', ''
FROM feedback_complaint c
JOIN customers_patronage p ON p.store_id = c.store_id AND p.customer_id = c.customer_id
CROSS JOIN LATERAL (SELECT ((c.closed_at AT TIME ZONE %(zone)s) - %(cutoff)s::interval)::date AS closed_on) d
WHERE c.store_id = %(store)s AND c.closed_at >= %(since)s AND c.withdrawn_at IS NULL AND d.closed_on <= %(on)s
    AND d.closed_on + %(after)s + %(window)s >= %(day)s
ON CONFLICT (customer_id, store_id, code, occasion) DO UPDATE SET state = 'open', reason = '', settled_at = NULL
WHERE care_task.state = 'closed' AND care_task.reason = 'complaint_reopened'
"""

# A complaint that is open again, or taken back, has no call that asks whether all is well; who came needs no calling back.
_CLOSE = """
UPDATE care_task t SET state = 'closed', reason = %(reason)s, settled_at = %(at)s
WHERE t.store_id = %(store)s AND t.state = 'open' AND t.code = %(code)s AND {because}
"""
_REOPENED = """NOT EXISTS (SELECT 1 FROM feedback_complaint c WHERE c.customer_id = t.customer_id
    AND c.store_id = t.store_id AND c.closed_at IS NOT NULL AND c.withdrawn_at IS NULL
    AND ((c.closed_at AT TIME ZONE %(zone)s) - %(cutoff)s::interval)::date = t.event_on)"""
_CAME = """EXISTS (SELECT 1 FROM customers_patronage p WHERE p.store_id = t.store_id
    AND p.customer_id = t.customer_id AND p.last_visit_on > t.event_on)"""


def rules_of(store: Store) -> RelationRules:
    """The store's numbers; the defaults, not on file, where it has none."""
    return RelationRules.objects.filter(store=store).first() or RelationRules(store=store)


@transaction.atomic
def open_relations(*, store: Store, on: date, at: datetime, today: date) -> dict[str, int]:
    """Open what the long relation owes on the day after `on`, close what is no longer owed. Counts by what was done.

    A night more than seven days old opens nothing. May run any number of times; the second time changes nothing.
    """
    counts = Counter(_close(store, at))
    if on < today - timedelta(days=OPENS_FOR_DAYS):
        return dict(counts)
    counts.update(_accounts(store, on + timedelta(days=1), at))
    params: dict[str, Any] = {
        "store": store.pk, "brand": store.brand_id, "code": FOLLOW_UP, "on": on, "day": on + timedelta(days=1), "at": at,
        "after": rules_of(store).follow_up_days, "window": FOLLOW_UP_WINDOW_DAYS, "zone": store.timezone,
        "cutoff": store.day_ends_at,
    }  # fmt: skip
    params["since"] = at - timedelta(days=params["after"] + FOLLOW_UP_WINDOW_DAYS + OPENS_FOR_DAYS + 2)
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW_UP, params)
        counts["follow_ups"] += cursor.rowcount
    return {name: number for name, number in counts.items() if number}


def _accounts(store: Store, day: date, at: datetime) -> dict[str, int]:
    """The renewals and calls of the agreements that hold on `day`."""
    counts: Counter[str] = Counter()
    living = list(
        Agreement.objects.filter(store=store, ended_at=None, valid_from__lte=day, valid_to__gte=day)
    )
    last = last_contacts(store, living, day - timedelta(days=1))
    for each in living:
        renew = renewal_on(each.valid_to, each.renewal_days)
        if renew <= day:
            counts["renewals"] += _open(
                store, each.contact_id, RENEWAL, f"account:renewal:{each.valid_to}", f"{each.employer}的协议快到期，谈续签",
                f"The agreement with {each.employer} ends: talk about its renewal", "visit", each.valid_to, renew,
                each.valid_to, day, at,
            )  # fmt: skip
        due = call_due(counted_from(last.get(each.pk), each.valid_from), each.call_days, day)
        if due is None:
            counts["contacted"] += _contacted(each, at)
            continue
        counts["account_calls"] += _open(
            store, each.contact_id, ACCOUNT_CALL, f"account:call:{due}", f"{each.employer}：打电话问满意度、听需求",
            f"{each.employer}: call, ask how content they are and what they need", "phone", None, due,
            due + timedelta(days=each.call_days - 1), day, at,
        )  # fmt: skip
    return dict(counts)


def _open(
    store: Store, customer: int, code: str, occasion: str, zh: str, en: str, channel: str, event_on: date | None,
    due_on: date, close_on: date, day: date, at: datetime,
) -> int:  # fmt: skip
    """One task; 1 where it is new."""
    params: dict[str, Any] = {
        "store": store.pk, "brand": store.brand_id, "customer": customer, "code": code, "occasion": occasion, "zh": zh,
        "en": en, "channel": channel, "event_on": event_on, "due_on": max(due_on, day), "close_on": close_on, "day": day,
        "at": at,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(OPEN, params)
        return cursor.rowcount


def _contacted(agreement: Agreement, at: datetime) -> int:
    """Close the call of an organisation that was reached in another way; how many."""
    open_ = Task.objects.filter(
        store_id=agreement.store_id,
        code=ACCOUNT_CALL,
        state=Task.State.OPEN,
        customer_id=agreement.contact_id,
    )
    return open_.update(state=Task.State.CLOSED, reason="contacted", settled_at=at)


def _close(store: Store, at: datetime) -> dict[str, int]:
    params: dict[str, Any] = {
        "store": store.pk, "at": at, "zone": store.timezone, "cutoff": store.day_ends_at,
    }  # fmt: skip
    counts = {}
    with connection.cursor() as cursor:
        for code, reason, because in (
            (FOLLOW_UP, "complaint_reopened", _REOPENED),
            (WIN_BACK, "came", _CAME),
        ):
            cursor.execute(_CLOSE.format(because=because), params | {"code": code, "reason": reason})
            counts[reason] = cursor.rowcount
    return counts
