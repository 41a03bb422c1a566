"""The night's step that plans texts: for tomorrow's birthdays and festivals, one statement each.

Whoever gets no text has a row too, with the reason. Planning never sends, and planning twice is the same as
once.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from care.channels import provider_from_settings
from care.models import PlanLine
from care.parts import ALONE, EACH, characters, cost_fen, whole_text
from care.playbook import (
    EVERYBODY,
    Event,
    Line,
    birthday_events,
    festival_events,
    greeted_in_person,
    tiers_with_own,
)
from care.services.calls import calls_for_planned
from care.services.opening import BY_INDEX
from care.services.plans import DEFAULT, line_of, plan_for
from care.services.rules import rules_of
from care.texts import MEMBER, SAFE_NAME, TEXTS
from care.windows import Hours
from common.festivals import is_solemn
from staff.models import Store
from tiering.selectors.schemes import in_force

# The statement that holds: the latest; at the same moment a withdrawal beats a grant.
LATEST = """(SELECT n.given FROM customers_consent n WHERE n.customer_id = {customer} AND n.purpose = 'sms'
        AND n.phone_id {phone} ORDER BY n.at DESC, n.given LIMIT 1)"""
_OWN = LATEST.format(customer="p.customer_id", phone="IS NULL")
_TOLD = LATEST.format(customer="p.customer_id", phone="= t.id")

# The tags of a guest in mourning, and what makes a complaint an open one: neither gets a cheerful text.
MOURNING = ("in_mourning", "守孝")
COMPLAINT_OPEN = "c.closed_at IS NULL AND c.withdrawn_at IS NULL"

# `guest`: who is greeted, with the own number, else the first contact number that consented. `known`: whether
# a text may go out, as far as the guest decides. `judged`: all reasons against it; of several guests on one
# number the first by id keeps the number's place.
_QUEUE = """
WITH guest AS MATERIALIZED (
    SELECT p.customer_id, c.salutation, o.occasion, o.festival, {own} AS consent,
        own.id IS NOT NULL AS has_own, coalesce(own.id, told.id) AS phone_id,
        coalesce(own.number_index, told.number_index) AS number_index,
        coalesce(own.number, told.number) AS number, coalesce(own.last_four, told.last_four) AS last_four,
        EXISTS (SELECT 1 FROM customers_phone t WHERE t.customer_id = p.customer_id OFFSET 0)
            AS has_phone
    FROM customers_patronage p
    JOIN customers_customer c ON c.id = p.customer_id AND c.brand_id = %(brand)s
    {occasions}
    LEFT JOIN customers_phone own ON own.customer_id = p.customer_id AND own.kind = 'own'
    LEFT JOIN LATERAL (SELECT t.* FROM customers_phone t
        WHERE own.id IS NULL AND t.customer_id = p.customer_id AND t.kind = 'contact' AND {told}
        ORDER BY t.id LIMIT 1) told ON true
    WHERE p.store_id = %(store)s AND {tier} AND NOT EXISTS (SELECT 1 FROM care_message m
        WHERE m.brand_id = %(brand)s AND m.customer_id = p.customer_id AND m.category = %(category)s
        AND m.occasion = o.occasion OFFSET 0)
), known AS MATERIALIZED (
    SELECT guest.*, CASE
        WHEN NOT has_phone THEN 'no_phone'
        WHEN phone_id IS NULL OR (has_own AND consent IS NOT TRUE) OR consent IS FALSE THEN 'no_consent'
        WHEN EXISTS (SELECT 1 FROM customers_optout x WHERE x.brand_id = %(brand)s
            AND x.number_index = guest.number_index OFFSET 0) THEN 'opted_out'
        WHEN customer_id IN (SELECT c.customer_id FROM feedback_complaint c WHERE {open}) THEN 'complaint_open'
        WHEN customer_id IN (SELECT g.customer_id FROM customers_tag g WHERE g.word = ANY(%(mourning)s)
            AND g.removed_at IS NULL) THEN 'in_mourning'
        ELSE '' END AS against,
        CASE WHEN salutation ~ %(safe)s THEN salutation ELSE %(member)s END AS called
    FROM guest
), wished AS MATERIALIZED ({wished}), judged AS (
    SELECT known.*, CASE
        WHEN against <> '' THEN against
        WHEN %(solemn)s THEN 'solemn_day'
        WHEN %(category)s <> 'birthday' AND (customer_id IN (SELECT m.customer_id FROM wished m)
            OR number_index IN (SELECT m.phone_key FROM wished m WHERE m.phone_key IS NOT NULL)) THEN 'one_a_day'
        WHEN row_number() OVER (PARTITION BY against = '', number_index, occasion ORDER BY customer_id) > 1
            OR EXISTS (SELECT 1 FROM care_message m WHERE m.brand_id = %(brand)s
                AND m.phone_key = known.number_index AND m.occasion = known.occasion OFFSET 0) THEN 'shared_phone'
        WHEN %(late)s THEN 'window_passed'
        WHEN %(silent)s THEN 'no_provider'
        ELSE '' END AS reason
    FROM known
), planned AS (
    INSERT INTO care_message (id, brand_id, store_id, customer_id, category, occasion, phone_key, number,
        last_four, template, variables, parts, state, reason, planned_on, not_before, next_at, expires_at,
        created_at, final_at)
    SELECT gen_random_uuid(), %(brand)s, %(store)s, customer_id, %(category)s, occasion,
        CASE WHEN reason = '' THEN number_index END, CASE WHEN reason = '' THEN number END,
        CASE WHEN against = '' THEN last_four ELSE '' END, %(category)s,
        jsonb_build_object('name', called)
            || CASE WHEN festival = '' THEN '{{}}' ELSE jsonb_build_object('festival', festival) END,
        CASE WHEN {length} <= %(alone)s THEN 1 ELSE ceil({length} / %(each)s::numeric) END,
        CASE reason WHEN '' THEN 'pending' WHEN 'window_passed' THEN 'expired' ELSE 'skipped' END, reason,
        %(day)s, %(opens)s, %(opens)s, %(closes)s, %(at)s, CASE WHEN reason <> '' THEN %(at)s END
    FROM judged ON CONFLICT DO NOTHING RETURNING reason, parts
)
SELECT reason, count(*), sum(parts) FROM planned GROUP BY reason
"""
# The words without their variables, and each variable as often as it stands in them.
_LENGTH = "(%(fixed)s + char_length(called) * %(names)s + char_length(festival) * %(festivals)s)"

_FESTIVAL = "CROSS JOIN (VALUES {rows}) o(occasion, festival)"
_BIRTHDAY = """JOIN (VALUES {rows}) o(occasion, festival, calendar, month, day, leap)
    ON (c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap) = (o.calendar, o.month, o.day, o.leap)"""
# Who gets a birthday text that day, or would if there were a provider: on these numbers no other text.
_WISHED = """SELECT m.customer_id, m.phone_key FROM customers_customer c {birthdays}
    JOIN care_message m ON m.brand_id = %(brand)s AND m.customer_id = c.id AND m.category = 'birthday'
        AND m.occasion = o.occasion
    WHERE c.brand_id = %(brand)s AND (m.state NOT IN ('skipped', 'expired') OR m.reason = 'no_provider')"""
_NOBODY = "SELECT NULL::bigint AS customer_id, NULL::bytea AS phone_key WHERE false"


def has_provider() -> bool:
    """Whether texts can be sent at all. Raises ValueError where the settings name a provider but not how."""
    return provider_from_settings(settings.SMS) is not None


@transaction.atomic
def queue_occasions(*, store: Store, on: date, at: datetime) -> dict[str, int]:
    """Plan the texts for the birthdays and festivals of the day after `on`. Counts: `planned` with their `parts` and
    `cost_fen`, by reason those that get none, and the `calls` in their place.

    A text belongs to the store's hours of its own day: planned after them, it is born expired. Guests whose
    tier has a more personal gesture that day get none. Without a provider people greet instead. May run
    twice.
    """
    day = on + timedelta(days=1)
    adoption = in_force(store.pk, on)
    plan = plan_for(store, adoption.version.scheme.code if adoption else DEFAULT, at)
    lines = [line_of(row) for row in PlanLine.objects.filter(plan=plan, enabled=True)]
    counts: Counter[str] = Counter(planned=0, parts=0)
    # Birthdays first: on one day a guest gets one text, and the birthday is the guest's own.
    for line in sorted(lines, key=lambda line: line.trigger):
        if line.channel == "sms" and line.trigger in ("birthday", "festival"):
            counts.update(_queue(store, line, lines, day, at))
    counts["cost_fen"] = cost_fen(counts["parts"], rules_of(store.brand_id).thousand_parts_fen)
    counts["calls"] = calls_for_planned(store.pk, at, ["no_provider", "window_passed"], at)
    return dict(counts)


def _events(line: Line, day: date) -> list[Event]:
    if line.trigger == "birthday":
        return birthday_events(day)
    found = [event for event in festival_events(day, day) if event.occasion.split(":")[1] in line.occasions]
    # Two festivals on one day: the greater one is wished.
    return found[:1]


def _queue(store: Store, line: Line, lines: list[Line], day: date, at: datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    happening = _events(line, day)
    if not happening:
        return counts
    is_birthday = line.trigger == "birthday"
    festival = "" if is_birthday else happening[0].occasion.split(":")[1]
    in_person = greeted_in_person(lines, line.trigger, festival)
    if EVERYBODY in in_person:
        return counts
    opens, closes = Hours(store.messages_from, store.messages_until, store.timezone).on(day)
    words = TEXTS[line.trigger].words
    params: dict[str, Any] = {
        "store": store.pk, "brand": store.brand_id, "category": line.trigger, "day": day, "at": at,
        "opens": opens, "closes": closes, "late": at >= closes, "solemn": is_solemn(day),
        "silent": not has_provider(), "safe": f"^{SAFE_NAME}$", "member": MEMBER, "tier": line.tier,
        "not_for": sorted(in_person | tiers_with_own(lines, line)), "mourning": list(MOURNING),
        "fixed": characters(whole_text(settings.SMS.get("SMS_SIGN_NAME", ""), line.trigger, {})),
        "names": words.count("${name}"), "festivals": words.count("${festival}"), "alone": ALONE, "each": EACH,
    }  # fmt: skip
    birthdays = _BIRTHDAY.format(rows=_values("b", birthday_events(day), params))
    sql = _QUEUE.format(
        own=_OWN,
        told=_TOLD,
        open=COMPLAINT_OPEN,
        length=_LENGTH,
        wished=_NOBODY if is_birthday else _WISHED.format(birthdays=birthdays),
        occasions=birthdays if is_birthday else _FESTIVAL.format(rows=_values("f", happening, params)),
        tier="p.tier <> ALL(%(not_for)s)" if line.tier == EVERYBODY else "p.tier = %(tier)s",
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


def _values(prefix: str, happening: list[Event], params: dict[str, Any]) -> str:
    """The events as named parameters of a VALUES list."""
    rows = []
    for number, event in enumerate(happening):
        values: list[Any] = [event.occasion, event.zh, *(event.birthday or ())]
        names = [f"{prefix}{number}_{column}" for column in range(len(values))]
        params.update(zip(names, values, strict=True))
        rows.append(f"({', '.join(f'%({name})s' for name in names)})")
    return ", ".join(rows)
