"""Where a text cannot go out, a person greets: one call task for each guest and occasion.

Whoever is written to by WeChat for that occasion already, by whichever plan, is greeted.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from care.services.closing import UNDONE
from care.services.opening import OPENS_FOR_DAYS, OWNER

# How long after the day a greeting by hand is still welcome.
WELCOME_DAYS = {"birthday": 3, "festival": 1, "absence": 3}
_WORDS = {
    "birthday": (
        "生日短信没有发出：请打电话或发微信祝福（文字已备好）",
        "The birthday text did not go out: call or WeChat (the words are ready)",
    ),
    "festival": (
        "节日短信没有发出：请打电话或发微信问候（文字已备好）",
        "The festival text did not go out: call or WeChat (the words are ready)",
    ),
    "absence": (
        "多天没来的短信没有发出：请打电话或发微信问候（文字已备好）",
        "The text to an absent guest did not go out: call or WeChat (the words are ready)",
    ),
}

_CALLS = """
INSERT INTO care_task (store_id, customer_id, line_id, code, occasion, channel, zh, en, tier, role,
    assignee_id, event_on, due_on, close_on, opened_on, opened_at, state, reason)
SELECT m.store_id, m.customer_id, NULL, m.category || '_by_hand', m.occasion, 'wechat', w.zh, w.en, p.tier,
    'manager', {owner}, m.planned_on, greatest(m.planned_on, d.day), m.planned_on + w.welcome, d.day,
    %(at)s, 'open', ''
FROM care_message m JOIN staff_store s ON s.id = m.store_id
JOIN customers_patronage p ON p.store_id = m.store_id AND p.customer_id = m.customer_id
JOIN (VALUES {words}) w(category, zh, en, welcome) ON w.category = m.category
CROSS JOIN LATERAL (SELECT (%(at)s AT TIME ZONE s.timezone)::date AS day) d
WHERE {which} AND m.planned_on >= d.day - %(opens_for)s AND m.planned_on + w.welcome >= d.day
    AND NOT EXISTS (SELECT 1 FROM care_task t WHERE t.customer_id = m.customer_id AND t.store_id = m.store_id
        AND t.occasion = m.occasion AND t.channel = 'wechat' AND t.state <> 'blocked' AND NOT {undone} OFFSET 0)
ON CONFLICT (customer_id, store_id, code, occasion) DO NOTHING
"""

# Of a campaign only where it was written with the call in the place of a missed text; until three days after its window.
_CAMPAIGN_CALLS = """
INSERT INTO care_task (store_id, customer_id, code, occasion, channel, zh, en, words, tier, role, assignee_id, due_on,
    close_on, opened_on, opened_at, state, reason)
SELECT m.store_id, m.customer_id, 'campaign', m.occasion, 'phone', '活动短信没有发出，请打电话告知：' || k.what,
    'The text did not go out: call and tell of ' || k.what, k.what || '：' || k.detail, p.tier, 'manager', {owner},
    d.day, k.send_on + k.window_days + 3, d.day, %(at)s, 'open', ''
FROM care_message m JOIN staff_store s ON s.id = m.store_id
JOIN care_campaign k ON k.store_id = m.store_id AND m.occasion = 'campaign:' || k.id AND k.call_fallback
    AND k.state = 'planned'
JOIN customers_patronage p ON p.store_id = m.store_id AND p.customer_id = m.customer_id
CROSS JOIN LATERAL (SELECT (%(at)s AT TIME ZONE s.timezone)::date AS day) d
WHERE {which} AND m.category = 'campaign' AND k.send_on + k.window_days + 3 >= d.day
ON CONFLICT (customer_id, store_id, code, occasion) DO NOTHING
"""


def calls_for_messages(message_ids: Sequence[UUID], at: datetime) -> int:
    """Open the call task of each of these messages; how many are new."""
    if not message_ids:
        return 0
    return _calls("m.id = ANY(%(ids)s::uuid[])", {"ids": [str(each) for each in message_ids]}, at)


def calls_for_planned(store_id: int, made_at: datetime, reasons: Sequence[str], at: datetime) -> int:
    """Open the call tasks of the messages that were written at `made_at` and will not go out for one of
    `reasons`.
    """
    which = "m.store_id = %(store)s AND m.created_at = %(made_at)s AND m.reason = ANY(%(reasons)s)"
    return _calls(which, {"store": store_id, "made_at": made_at, "reasons": list(reasons)}, at)


def _calls(which: str, params: dict[str, Any], at: datetime) -> int:
    words = []
    for category, (zh, en) in _WORDS.items():
        words.append(f"(%(c_{category})s, %(zh_{category})s, %(en_{category})s, %(w_{category})s)")
        params |= {f"c_{category}": category, f"zh_{category}": zh, f"en_{category}": en}
        params |= {f"w_{category}": WELCOME_DAYS[category]}
    # The owner's day at work is the day of the call; the store's brand is in the message.
    owner = OWNER.replace("%(brand)s", "m.brand_id").replace("%(day)s", "d.day")
    sql = _CALLS.format(owner=owner, words=", ".join(words), which=which, undone=UNDONE.format(task="t"))
    with connection.cursor() as cursor:
        cursor.execute(sql, params | {"at": at, "opens_for": OPENS_FOR_DAYS})
        greeted = cursor.rowcount
        cursor.execute(_CAMPAIGN_CALLS.format(owner=owner, which=which), params | {"at": at})
        return greeted + cursor.rowcount
