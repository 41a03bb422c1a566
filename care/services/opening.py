"""The night's step that opens and closes tasks: one statement a plan line, never a loop over guests.

The night of business date D prepares the day after: it opens what becomes visible on D + 1. Opening twice is
the same as once, by the unique key of guest, store, gesture and occasion. The ladder's plan goes first; a plan beside
it adds what a guest does not have for that occasion.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from care.festivals import Calendar
from care.models import CareRules, PlanLine, Task
from care.playbook import (
    CADENCES,
    CONTACTS,
    EVERYBODY,
    OCCASIONS,
    UNDATED,
    Line,
    absent_between,
    anniversary_days,
    competes,
    due_for,
    events,
    fall_words,
    slots,
    tiers_with_own,
)
from care.services.closing import UNDONE, close_tasks
from care.services.festivals import calendar_of, follow_calendar
from care.services.giving import give_vouchers
from care.services.house_rules import care_rules_of
from care.services.words import put_words
from care.services.working import Working, doors, working_plans
from staff.models import Store
from tiering.axes import MAIN
from tiering.compile import quoted
from tiering.selectors.forecast import Falling, falling
from tiering.selectors.schemes import in_force_everywhere
from tiering.selectors.segments import guests_in
from tiering.services.judgements import LIKELY

OPENS_FOR_DAYS = 7

# The planner knows nothing of the table that this very transaction fills: left to itself it reads all of it again
# for every guest. So the look-ups go through the index (OFFSET 0 keeps each a look-up of its own).
BY_INDEX = "SELECT set_config('enable_seqscan', %s, true)"
# The guest's owner, while he works in the store.
OWNER = """(SELECT w.id FROM staff_person w WHERE w.id = p.owner_id AND w.is_active AND EXISTS (
        SELECT 1 FROM staff_membership b WHERE b.person_id = w.id
        AND (b.store_id = p.store_id OR (b.store_id IS NULL AND b.brand_id = %(brand)s))
        AND b.since <= %(day)s AND (b.until IS NULL OR b.until >= %(day)s)))"""

# A guest has the gestures of a line of the ladder's also because somebody judged her likely to reach its tier.
_LIKELY = """EXISTS (SELECT 1 FROM tiering_judgement j WHERE j.store_id = p.store_id
        AND j.customer_id = p.customer_id AND j.code = %(likely)s AND j.withdrawn_at IS NULL
        AND j.valid_from <= %(day)s AND (j.valid_until IS NULL OR j.valid_until >= %(day)s) OFFSET 0)"""

# A government's man, by a tag, by a judgement that stands, or by how his nature was graded; who dislikes small favours;
# who lives abroad.
_HAS_TAG = """EXISTS (SELECT 1 FROM customers_tag g WHERE g.customer_id = p.customer_id AND g.removed_at IS NULL
        AND g.word = '{word}' OFFSET 0)"""
_OFFICIAL = f"""({_HAS_TAG.format(word="government_or_committee")}
        OR 'GOVERNMENT' = ANY(string_to_array(coalesce(p.labels->>'nature', ''), '+'))
        OR EXISTS (SELECT 1 FROM tiering_judgement o WHERE o.store_id = p.store_id AND o.customer_id = p.customer_id
        AND o.code = 'government' AND o.withdrawn_at IS NULL AND o.valid_from <= %(day)s
        AND (o.valid_until IS NULL OR o.valid_until >= %(day)s) OFFSET 0))"""
_STEADY = _HAS_TAG.format(word="steady_career")
_OVERSEAS = _HAS_TAG.format(word="overseas")
_NOT_MOURNING = " AND ".join(f"NOT {_HAS_TAG.format(word=word)}" for word in ("in_mourning", "守孝"))
_ABROAD_ZH, _ABROAD_EN = "（海外客人，改用微信）", "(lives abroad: by WeChat) "

# How many contacts the guest would have in the week of this one: those on file, and those opened with it.
_IN_THE_WEEK = """(SELECT count(*) FROM care_task k WHERE k.customer_id = p.customer_id AND k.store_id = p.store_id
        AND k.state IN ('open', 'done') AND k.channel = ANY(%(contacts)s)
        AND date_trunc('week', k.due_on) = date_trunc('week', d.due_on) OFFSET 0)
    + row_number() OVER (PARTITION BY p.customer_id, date_trunc('week', d.due_on) ORDER BY d.due_on, d.occasion)"""
_NOT_ON_FILE = """ AND NOT EXISTS (SELECT 1 FROM care_task f WHERE f.customer_id = p.customer_id
    AND f.store_id = p.store_id AND f.code = %(code)s AND f.occasion = d.occasion AND f.state <> 'blocked'
    AND NOT {undone} OFFSET 0)""".format(undone=UNDONE.format(task="f"))

_OPEN = """
WITH owed AS (
    SELECT p.store_id, p.customer_id, d.occasion, {zh} AS zh, {en} AS en, {channel} AS channel, {tier_of} AS tier,
        {owner} AS assignee_id, d.event_on, d.due_on, d.close_on, {blocked} AS blocked
    FROM customers_patronage p {due}
    WHERE p.store_id = %(store)s AND {tier} AND d.close_on >= greatest(%(today)s, %(day)s) AND {when}
), told AS (
INSERT INTO care_task (store_id, customer_id, line_id, code, occasion, channel, zh, en, tier, role,
    assignee_id, event_on, due_on, close_on, opened_on, opened_at, state, reason, settled_at)
SELECT store_id, customer_id, %(line)s, %(code)s, occasion, channel, zh, en, tier, %(role)s,
    assignee_id, event_on, due_on, close_on, %(on)s, %(at)s,
    CASE WHEN blocked = '' THEN %(born)s ELSE 'blocked' END, blocked,
    CASE WHEN blocked = '' AND %(born)s = 'done' THEN %(at)s END
FROM owed
ON CONFLICT (customer_id, store_id, code, occasion) DO UPDATE SET state = excluded.state, reason = excluded.reason,
    settled_at = excluded.settled_at, line_id = excluded.line_id, due_on = excluded.due_on, close_on = excluded.close_on,
    tier = excluded.tier, role = excluded.role, assignee_id = excluded.assignee_id, channel = excluded.channel,
    event_on = excluded.event_on, zh = excluded.zh, en = excluded.en, opened_on = excluded.opened_on,
    opened_at = excluded.opened_at
WHERE {undone}
    OR (care_task.state = 'blocked' AND excluded.state <> 'blocked')
RETURNING reason, customer_id, occasion
) SELECT reason, count(*), {who} FROM told GROUP BY reason
"""

_CADENCE = """CROSS JOIN (VALUES {rows}) s(occasion, first, last, days, salt) CROSS JOIN LATERAL (
    SELECT s.occasion, %(zh)s AS zh, %(en)s AS en, NULL::date AS event_on, s.last AS close_on,
        greatest(s.first + (((((p.customer_id + s.salt) * 2654435761) & 4294967295) >> 16) %% s.days)::int,
            %(day)s) AS due_on) d"""
_FESTIVAL = "CROSS JOIN (VALUES {rows}) d(occasion, event_on, due_on, close_on, zh, en)"
_BIRTHDAY = """JOIN customers_customer c ON c.id = p.customer_id AND c.brand_id = %(brand)s
    JOIN (VALUES {rows}) d(occasion, event_on, due_on, close_on, zh, en, calendar, month, day, leap)
    ON (c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap) = (d.calendar, d.month, d.day, d.leap)"""
_SINCE_VISIT = """CROSS JOIN LATERAL (SELECT {prefix} || to_char({since}, 'YYYY-MM-DD') AS occasion,
    %(zh)s AS zh, %(en)s AS en, {since} AS event_on, greatest({due_on}, %(day)s) AS due_on,
    {due_on} + %(window)s AS close_on) d"""
_FALLING = """JOIN (VALUES {rows}) w(customer_id, event_on, told_zh, told_en) ON w.customer_id = p.customer_id
    CROSS JOIN LATERAL (SELECT 'fall:' || to_char(w.event_on, 'YYYY-MM-DD') AS occasion,
    w.told_zh AS zh, w.told_en AS en, w.event_on, %(day)s AS due_on, w.event_on AS close_on) d"""

_ANNIVERSARY = """JOIN care_anniversary a ON a.customer_id = p.customer_id
    JOIN (VALUES {rows}) y(month, day, event_on, due_on, close_on) ON (a.month, a.day) = (y.month, y.day)
    CROSS JOIN LATERAL (SELECT extract(year FROM y.event_on)::int - a.year AS years) n
    CROSS JOIN LATERAL (SELECT 'anniversary:' || a.id || ':' || extract(year FROM y.event_on) AS occasion,
        y.event_on, y.due_on, y.close_on,
        CASE a.kind WHEN 'wedding' THEN '结婚' WHEN 'company' THEN '公司成立' ELSE a.words END
            || CASE WHEN n.years > 0 THEN n.years || '周年' WHEN a.kind = 'other' THEN '' ELSE '纪念日' END
            || '：' || %(zh)s AS zh,
        CASE WHEN n.years > 0 THEN to_char(n.years, 'FM9999th') || ' anniversary' ELSE 'Anniversary' END
            || CASE a.kind WHEN 'wedding' THEN ' of the wedding' WHEN 'company' THEN ' of the company'
                ELSE ' (' || a.words || ')' END || ': ' || %(en)s AS en) d"""
# Whoever came with a file is not new: a file brings several at one moment, a person at the desk one.
_NEW_GUEST = """JOIN (SELECT q.customer_id, q.since, count(*) OVER (PARTITION BY w.created_at) AS together
        FROM customers_patronage q JOIN customers_customer w ON w.id = q.customer_id
        WHERE q.store_id = %(store)s AND q.since BETWEEN %(first)s AND %(on)s) r
        ON r.customer_id = p.customer_id AND r.together = 1
    CROSS JOIN LATERAL (SELECT 'new_guest' AS occasion, %(zh)s AS zh, %(en)s AS en, r.since AS event_on,
        greatest(r.since + %(after)s, %(day)s) AS due_on, r.since + %(after)s + %(window)s AS close_on) d"""

# What is on file stands, also where another plan would owe something else: no second gesture for one occasion.
_OF_ANOTHER_PLAN = f"""n.scheme_code IS DISTINCT FROM %(scheme)s AND t.state <> 'blocked' AND NOT {UNDONE.format(task="t")}
    AND (t.channel = %(channel)s OR (l.personal AND %(personal)s))"""
_ON_FILE = """NOT EXISTS (SELECT 1 FROM care_task t LEFT JOIN care_planline l ON l.id = t.line_id
    LEFT JOIN care_plan n ON n.id = l.plan_id WHERE t.customer_id = p.customer_id AND t.store_id = p.store_id
    AND t.occasion = d.occasion AND ({which}) OFFSET 0)"""
_NOT_THROUGH_ANOTHER_PLAN = _ON_FILE.format(which=_OF_ANOTHER_PLAN)
# An occasion belongs to the tier the guest had when its first gesture was opened: not two gifts for one birthday.
_NOT_FROM_ANOTHER_TIER = _ON_FILE.format(
    which=f"{_OF_ANOTHER_PLAN} OR n.scheme_code = %(scheme)s AND t.code <> %(code)s AND t.tier <> {{tier}} "
    "AND t.state <> 'blocked' AND (t.channel = %(channel)s OR (l.personal AND %(personal)s))"
)
# Called this half of the month as an A guest: not called again as a B guest.
_NOT_DONE_IN_ANOTHER_TIER = "d.due_on <= %(until)s AND " + _ON_FILE.format(
    which=f"{_OF_ANOTHER_PLAN} OR n.scheme_code = %(scheme)s AND t.code <> %(code)s AND t.tier <> {{tier}} "
    "AND t.channel = %(channel)s AND t.state IN ('done', 'declined')"
)
_NOT_SOON_AFTER_ANOTHER = """d.event_on <= %(on)s AND NOT EXISTS (SELECT 1 FROM care_task t
    WHERE t.customer_id = p.customer_id AND t.store_id = p.store_id AND t.code = %(code)s
    AND t.state <> 'blocked' AND t.event_on < d.event_on AND t.event_on > d.event_on - %(after)s OFFSET 0)"""


@transaction.atomic
def open_tasks(*, store: Store, on: date, at: datetime, today: date) -> dict[str, int]:
    """Close what is over, then open what the night of `on` owes. Counts by what was done.

    `today` is the store's date at the moment of the run: a night more than seven days old opens nothing. May
    run any number of times; the second time changes nothing.
    """
    found = doors(in_force_everywhere(store.pk, on))
    rules, calendar = care_rules_of(store), calendar_of(store)
    counts = Counter(follow_calendar(store=store, calendar=calendar, at=at, today=today))
    counts.update(close_tasks(store=store, doors=found, overdue_days=rules.overdue_days, at=at, today=today))
    counts.update({"opened": 0})
    if on < today - timedelta(days=OPENS_FOR_DAYS):
        return dict(counts)
    plans = working_plans(store, found, at)
    warned = [
        line for plan in plans if plan.door.axis == MAIN for line in plan.lines if line.trigger == "falling"
    ]
    ahead = max((line.lead_days for line in warned), default=0)
    night = _Night(store, on, at, today, rules, falling(store, on, ahead) if ahead else [], calendar)
    for number, plan in enumerate(plans):
        for row, line in zip(plan.rows, plan.lines, strict=True):
            if line.channel != "sms" and line.trigger not in UNDATED:
                opened = _open(night, plan, row, line, plans[:number])
                counts["opened"] += opened.get("", 0)
                counts[line.trigger] += opened.pop("", 0)
                counts.update(opened)
    counts.update(put_words(store=store, today=today))
    return dict(counts)


@dataclass(frozen=True)
class _Night:
    """What every line of a plan is opened with."""

    store: Store
    on: date
    at: datetime
    today: date
    rules: CareRules
    falls: list[Falling]
    calendar: Calendar


def _open(night: _Night, plan: Working, row: PlanLine, line: Line, before: list[Working]) -> dict[str, int]:
    """Open a line's tasks and give the voucher that goes with them; how many, under "", how many were blocked for
    which reason, how many `vouchers`. `before`: the plans that go first.
    """
    day, rules, door = night.on + timedelta(days=1), night.rules, plan.door
    params: dict[str, Any] = {
        "store": night.store.pk, "brand": night.store.brand_id, "line": row.pk, "code": line.code,
        "scheme": door.code, "channel": line.channel, "role": line.role, "personal": line.personal, "on": night.on,
        "day": day, "at": night.at, "today": night.today, "window": line.window_days, "after": line.after_days,
        "until": day + timedelta(days=line.lead_days), "zh": line.zh, "en": line.en,
        "born": Task.State.DONE if line.channel == "voucher" else Task.State.OPEN,
        "likely": f"{LIKELY}{line.tier}", "contacts": list(CONTACTS), "most": rules.contacts_a_week,
    }  # fmt: skip
    due, when = _due(plan, line, night, day, params)
    if not due:
        return {}
    when = " AND ".join([when, *(f"NOT ({taken})" for taken in _taken(line, before, rules))])
    if row.segment is not None:
        params["chosen"] = guests_in(row.segment, night.store, night.on)
        when += " AND p.customer_id = ANY(%(chosen)s)"
    is_capped = line.channel in CONTACTS and rules.contacts_a_week is not None
    visits = line.channel == "visit"
    sql = _OPEN.format(
        owner=OWNER if line.owner_first else "NULL::bigint",
        due=due,
        when=when + (_NOT_ON_FILE if is_capped else ""),
        tier=_is_for(plan, line),
        tier_of=door.tier_for(line),
        channel=f"CASE WHEN {_OVERSEAS} THEN 'wechat' ELSE %(channel)s END" if visits else "%(channel)s",
        zh=f"CASE WHEN {_OVERSEAS} THEN '{_ABROAD_ZH}' ELSE '' END || d.zh" if visits else "d.zh",
        en=f"CASE WHEN {_OVERSEAS} THEN '{_ABROAD_EN}' ELSE '' END || d.en" if visits else "d.en",
        blocked=_blocked(line, rules, is_capped),
        who="array_agg(customer_id), array_agg(occasion)" if row.gives_id else "NULL, NULL",
        undone=UNDONE.format(task="care_task"),
    )
    with connection.cursor() as cursor:
        cursor.execute(BY_INDEX, ["off"])
        cursor.execute(sql, params)
        told = cursor.fetchall()
        cursor.execute(BY_INDEX, ["on"])
    found = {reason: number for reason, number, _guests, _occasions in told}
    if row.gives is not None:
        for reason, _number, guests, occasions in told:
            if reason == "":
                owed = list(zip(guests, occasions, strict=True))
                found["vouchers"] = give_vouchers(night.store, row.gives, line, owed, on=day, at=night.at)
    return found


def _is_for(plan: Working, line: Line) -> str:
    """Whether a guest is owed the line, in SQL."""
    meets = plan.door.meets(_tiers(plan, line), tiers_with_own(plan.lines, line))
    is_judged = plan.door.axis == MAIN and line.tier != EVERYBODY
    return f"({meets} OR {_LIKELY})" if is_judged else f"({meets})"


def _tiers(plan: Working, line: Line) -> list[str]:
    """The tiers the line is for; of what comes up from below only what belongs to a day."""
    return plan.tiers_of(line) if line.trigger in OCCASIONS else [line.tier]


def _taken(line: Line, before: list[Working], rules: CareRules) -> list[str]:
    """By which conditions, in SQL, a plan that goes first owes the guest a gesture in this one's place, whether it was
    opened already or is still to come. What a rule forbids there takes no place.
    """
    found = []
    for plan in before:
        for first in plan.lines:
            if not competes(first, line):
                continue
            taken = [plan.door.meets(_tiers(plan, first), tiers_with_own(plan.lines, first))]
            if (forbidden := _blocked(first, rules, is_capped=False)) != "''":
                taken.append(f"{forbidden} = ''")
            if first.trigger == "festival":
                named = ", ".join(quoted(code) for code in first.occasions)
                taken.append(f"split_part(d.occasion, ':', 2) IN ({named})")
            if first.trigger in CADENCES:
                taken.append(f"split_part(d.occasion, ':', 3)::int <= {first.times}")
            found.append(" AND ".join(taken))
    return found


def _blocked(line: Line, rules: CareRules, is_capped: bool) -> str:
    """Why a guest does not get the gesture, in SQL: as `playbook.blocked_because` says it, then the week's cap."""
    cases = []
    if line.channel == "gift" and not rules.gifts_to_officials:
        cases.append(f"WHEN {_OFFICIAL} THEN 'official'")
    if line.small:
        cases.append(f"WHEN {_STEADY} THEN 'small_favour'")
    if is_capped:
        cases.append(f"WHEN {_IN_THE_WEEK} > %(most)s THEN 'cap_week'")
    return f"CASE {' '.join(cases)} ELSE '' END" if cases else "''"


def _due(plan: Working, line: Line, night: _Night, day: date, params: dict[str, Any]) -> tuple[str, str]:
    """The FROM item `d` (what is owed when; empty where nothing is) and the condition that goes with it."""
    on, tier = night.on, plan.door.tier_for(line)
    if line.trigger in CADENCES:
        turns = [(slot.occasion, slot.first, slot.last, slot.days, slot.salt) for slot in slots(line, day)]
        due = _CADENCE.format(rows=_values(turns, params)) if turns else ""
        return due, _NOT_DONE_IN_ANOTHER_TIER.format(tier=tier)
    if line.trigger in OCCASIONS:
        rows = []
        for event in events(line, day, night.calendar):
            due_on, close_on = due_for(line, event.on, day)
            named = (f"{event.zh}：{line.zh}", f"{event.en}: {line.en}") if event.zh else (line.zh, line.en)
            rows.append((event.occasion, event.on, due_on, close_on, *named, *(event.birthday or ())))
        form = _BIRTHDAY if line.trigger == "birthday" else _FESTIVAL
        due = form.format(rows=_values(rows, params)) if rows else ""
        return due, _NOT_FROM_ANOTHER_TIER.format(tier=tier)
    if line.trigger == "falling":
        near = [
            each
            for each in night.falls
            if plan.door.axis == MAIN
            and each.tier == line.tier
            and each.fall.on <= on + timedelta(days=line.lead_days)
        ]
        warned = [(each.customer_id, each.fall.on, *fall_words(line, each.fall.on)) for each in near]
        return _FALLING.format(rows=_values(warned, params)) if warned else "", "true"
    if line.trigger == "anniversary":
        days = []
        for month, day_of_month, event_on in anniversary_days(line, day):
            days.append((month, day_of_month, event_on, *due_for(line, event_on, day)))
        due = _ANNIVERSARY.format(rows=_values(days, params))
        return due, f"{_NOT_MOURNING} AND {_NOT_THROUGH_ANOTHER_PLAN}"
    if line.trigger == "new_guest":
        params["first"] = on - timedelta(days=OPENS_FOR_DAYS)
        return _NEW_GUEST, _NOT_THROUGH_ANOTHER_PLAN
    if line.trigger == "absence":
        params["first"], params["last"] = absent_between(line, on)
        since = "coalesce(p.last_visit_on, p.since)"
        due = _SINCE_VISIT.format(prefix="'absence:'", since=since, due_on="%(day)s")
        when = _NOT_FROM_ANOTHER_TIER.format(tier=tier)
        return due, f"d.event_on BETWEEN %(first)s AND %(last)s AND {when}"
    visit = "p.last_visit_on"
    due = _SINCE_VISIT.format(prefix="'visit:'", since=visit, due_on=f"{visit} + %(after)s")
    return due, f"{_NOT_SOON_AFTER_ANOTHER} AND {_NOT_THROUGH_ANOTHER_PLAN}"


def _values(rows: list[tuple[Any, ...]], params: dict[str, Any]) -> str:
    """The rows as named parameters of a VALUES list."""
    places = []
    for number, row in enumerate(rows):
        names = [f"v{number}_{column}" for column in range(len(row))]
        params.update(zip(names, row, strict=True))
        places.append(f"({', '.join(f'%({name})s' for name in names)})")
    return ", ".join(places)
