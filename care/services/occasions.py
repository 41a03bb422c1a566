"""The night's step that plans texts: for tomorrow's birthdays and festivals, for who has stayed away, one statement each.

Whoever gets no text has a row too, with the reason. Planning never sends, and planning twice is the same as
once.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from care.channels import provider_from_settings
from care.festivals import Calendar
from care.parts import ALONE, EACH, characters, cost_fen, whole_text
from care.playbook import (
    EVERYBODY,
    Event,
    Line,
    absent_between,
    birthday_events,
    festival_events,
    greeted_in_person,
    tiers_with_own,
)
from care.services.calls import calls_for_planned
from care.services.festivals import calendar_of
from care.services.gate import COMPLAINT_OPEN, GATE, LENGTH, MOURNING, NO_YES, NOBODY, OWN, TOLD
from care.services.opening import BY_INDEX
from care.services.promises import promise
from care.services.rules import rules_of
from care.services.working import Working, doors, working_plans
from care.texts import MEMBER, SAFE_NAME, TEXTS, approved_texts
from care.windows import Hours
from staff.models import Store
from tiering.axes import MAIN
from tiering.selectors.schemes import in_force_everywhere

_QUEUE = (
    GATE
    + """, planned AS (
    INSERT INTO care_message (id, brand_id, store_id, customer_id, category, occasion, phone_key, number,
        last_four, template, variables, parts, state, reason, planned_on, not_before, next_at, expires_at,
        created_at, final_at)
    SELECT gen_random_uuid(), %(brand)s, %(store)s, customer_id, %(category)s, occasion,
        CASE WHEN reason = '' THEN number_index END, CASE WHEN reason = '' THEN number END,
        CASE WHEN against = '' THEN last_four ELSE '' END, {template},
        jsonb_build_object('name', called)
            || CASE WHEN festival = '' THEN '{{}}' ELSE jsonb_build_object('festival', festival) END {more},
        CASE WHEN {length} <= %(alone)s THEN 1 ELSE ceil({length} / %(each)s::numeric) END,
        CASE reason WHEN '' THEN 'pending' WHEN 'window_passed' THEN 'expired' ELSE 'skipped' END, reason,
        %(day)s, %(opens)s, %(opens)s, %(closes)s, %(at)s, CASE WHEN reason <> '' THEN %(at)s END
    FROM judged {held} ORDER BY customer_id ON CONFLICT DO NOTHING RETURNING reason, parts
)
SELECT reason, count(*), sum(parts) FROM planned GROUP BY reason
"""
)

# Once an absence: its key carries the last visit, or the day the guest came on file.
_ABSENCE = """CROSS JOIN LATERAL (SELECT 'absence:' || to_char(v.last, 'YYYY-MM-DD') AS occasion, '' AS festival
    FROM (SELECT coalesce(p.last_visit_on, p.since) AS last) v WHERE v.last BETWEEN %(first)s AND %(last)s) o"""
_FESTIVAL = "CROSS JOIN (VALUES {rows}) o(occasion, festival)"
_BIRTHDAY = """JOIN (VALUES {rows}) o(occasion, festival, calendar, month, day, leap)
    ON (c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap) = (o.calendar, o.month, o.day, o.leap)"""
# Who gets a birthday text that day, or would if there were a provider: on these numbers no other text.
_WISHED = """SELECT m.customer_id, m.phone_key FROM customers_customer c {birthdays}
    JOIN care_message m ON m.brand_id = %(brand)s AND m.customer_id = c.id AND m.category = 'birthday'
        AND m.occasion = o.occasion
    WHERE c.brand_id = %(brand)s AND (m.state NOT IN ('skipped', 'expired') OR m.reason = 'no_provider')"""


def has_provider() -> bool:
    """Whether texts can be sent at all. Raises ValueError where the settings name a provider but not how."""
    return provider_from_settings(settings.SMS) is not None


@transaction.atomic
def queue_occasions(*, store: Store, on: date, at: datetime) -> dict[str, int]:
    """Plan the texts for the birthdays and festivals of the day after `on`, and for absences. Counts: `planned` with
    their `parts` and `cost_fen`, by reason those that get none, and the `calls` in their place.

    A text belongs to the store's hours of its own day (that of an absence also to those of its window): planned after
    them, it is born expired. Guests for whom one of the plans has a more personal gesture that day get none. Without a
    provider people greet instead. May run twice.
    """
    day = on + timedelta(days=1)
    plans = working_plans(store, doors(in_force_everywhere(store.pk, on)), at)
    calendar = calendar_of(store)
    counts: Counter[str] = Counter(planned=0, parts=0)
    texts = [
        (plan, line)
        for plan in plans
        for line in plan.lines
        if line.channel == "sms" and line.trigger in TEXTS
    ]
    # Birthdays first: on one day a guest gets one text, and the birthday is the guest's own. Of one occasion the ladder's.
    for plan, line in sorted(texts, key=lambda each: (each[1].trigger == "absence", each[1].trigger)):
        counts.update(_queue(store, plan, line, plans, day, at, calendar))
    price = rules_of(store.brand_id).thousand_parts_fen if counts["parts"] else 0
    counts["cost_fen"] = cost_fen(counts["parts"], price)
    by_hand = [reason for reason in ("no_provider", "window_passed") if counts[reason]]
    counts["calls"] = calls_for_planned(store.pk, at, by_hand, at) if by_hand else 0
    return dict(counts)


def _events(line: Line, day: date, calendar: Calendar) -> list[Event]:
    if line.trigger == "absence":
        return [Event("absence", day)]
    if line.trigger == "birthday":
        return birthday_events(day)
    found = [
        each for each in festival_events(day, day, calendar) if each.occasion.split(":")[1] in line.occasions
    ]
    # Two festivals on one day: the greater one is wished.
    return found[:1]


def _queue(
    store: Store, plan: Working, line: Line, plans: list[Working], day: date, at: datetime, calendar: Calendar
) -> Counter[str]:
    counts: Counter[str] = Counter()
    happening = _events(line, day, calendar)
    if not happening:
        return counts
    is_birthday, is_absence = line.trigger == "birthday", line.trigger == "absence"
    festival = happening[0].occasion.split(":")[1] if line.trigger == "festival" else ""
    whom = _told(plan, line, plans, festival)
    if not whom:
        return counts
    hours = Hours(store.messages_from, store.messages_until, store.timezone)
    opens, closes = hours.on(day)
    if is_absence:
        closes = hours.on(day + timedelta(days=line.window_days))[1]
    words, sign = TEXTS[line.trigger].words, settings.SMS.get("SMS_SIGN_NAME", "")
    params: dict[str, Any] = {
        "store": store.pk, "brand": store.brand_id, "category": line.trigger, "day": day, "at": at,
        "opens": opens, "closes": closes, "late": at >= closes, "solemn": calendar.is_solemn(day),
        "silent": not has_provider(), "safe": f"^{SAFE_NAME}$", "member": MEMBER, "mourning": list(MOURNING),
        "fixed": characters(whole_text(sign, line.trigger, {})),
        "names": words.count("${name}"), "festivals": words.count("${festival}"), "alone": ALONE, "each": EACH,
    }  # fmt: skip
    params["first"], params["last"] = absent_between(line, day - timedelta(days=1))
    birthdays = _BIRTHDAY.format(rows=_values("b", birthday_events(day), params))
    occasions = birthdays if is_birthday else _ABSENCE if is_absence else ""
    told = {"held": "", "length": LENGTH, "template": "%(category)s", "more": ""}
    every = [each for working in plans for each in working.lines]
    if promised := promise(line, every, sign, approved_texts(settings.SMS)):
        told, params = promised["sql"], params | promised["params"]
    sql = _QUEUE.format(
        **told,
        before="WITH",
        own=OWN,
        told=TOLD,
        refuses=NO_YES,
        open=COMPLAINT_OPEN,
        wished=NOBODY if is_birthday or is_absence else _WISHED.format(birthdays=birthdays),
        occasions=occasions or _FESTIVAL.format(rows=_values("f", happening, params)),
        tier=whom,
    )
    with connection.cursor() as cursor:
        cursor.execute(BY_INDEX, ["off"])
        cursor.execute(sql, params)
        for reason, number, parts in cursor.fetchall():
            counts[reason or "planned"] += number
            if not reason:
                counts["parts"] += parts
        cursor.execute(BY_INDEX, ["on"])
    return counts


def _told(plan: Working, line: Line, plans: list[Working], festival: str) -> str:
    """Who gets the text, in SQL: whom the line is for, without those who are greeted in person that day by whichever
    plan. "" where that is everybody.
    """
    told = [plan.door.meets([line.tier], tiers_with_own(plan.lines, line))]
    # Another gesture because of an absence is due on another day of it.
    for each in plans if line.trigger != "absence" else ():
        in_person = greeted_in_person(each.lines, line.trigger, festival)
        if EVERYBODY not in in_person:
            told.append(f"NOT ({each.door.has(in_person)})")
        elif each.door.axis == MAIN:
            return ""
        else:
            told.append(f"NOT ({each.door.graded})")
    return " AND ".join(told)


def _values(prefix: str, happening: list[Event], params: dict[str, Any]) -> str:
    """The events as named parameters of a VALUES list."""
    rows = []
    for number, event in enumerate(happening):
        values: list[Any] = [event.occasion, event.zh, *(event.birthday or ())]
        names = [f"{prefix}{number}_{column}" for column in range(len(values))]
        params.update(zip(names, values, strict=True))
        rows.append(f"({', '.join(f'%({name})s' for name in names)})")
    return ", ".join(rows)
