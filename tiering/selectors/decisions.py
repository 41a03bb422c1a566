"""Who stood where on a day, who moved in a night, and why."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db import connection

from common.errors import NotHere
from customers.models import Patronage
from staff.models import Store
from tiering import facts
from tiering.models import TierDecision
from tiering.query import Question, fact_rows, fact_rows_of_days
from tiering.rules import UNRATED, Known, Line, Prior, Scheme, decide, explain, kept_by
from tiering.selectors.schemes import in_force, scheme_of
from tiering.services.decisions import question_of

_STOOD = """
SELECT DISTINCT ON (d.customer_id) p.external_id, d.tier, s.code, n.number, d.business_date
FROM tiering_tierdecision d
JOIN customers_patronage p ON p.customer_id = d.customer_id AND p.store_id = d.store_id
JOIN tiering_schemeversion n ON n.id = d.version_id JOIN tiering_scheme s ON s.id = n.scheme_id
WHERE d.store_id = %s AND d.axis = %s AND d.business_date <= %s
ORDER BY d.customer_id, d.business_date DESC, d.id DESC
"""


def tiers_on(store: Store, on: date, axis: str = "tier") -> list[tuple[str, str, str, int, date]]:
    """(external_id, tier, scheme, version, business_date) of every guest as decided by `on`, by external_id."""
    with connection.cursor() as cursor:
        cursor.execute(_STOOD, [store.pk, axis, on])
        return sorted(cursor.fetchall())


@dataclass(frozen=True)
class Move:
    """A guest who rose or fell in a night."""

    decision: TierDecision
    rose: bool


def moves(store: Store, on: date, axis: str = "tier") -> list[Move]:
    """Who rose and who fell in the night of `on` (not who was graded for the first time), the risen first."""
    decisions = (
        TierDecision.objects.filter(store=store, axis=axis, business_date=on, corrected=False)
        .exclude(previous="")
        .select_related("customer", "version__scheme")
        .order_by("id")
    )
    found = []
    for decision in decisions:
        scheme = scheme_of(decision.version)
        found.append(Move(decision, scheme.rank(decision.tier) < scheme.rank(decision.previous)))
    return sorted(found, key=lambda move: (not move.rose, move.decision.tier))


@dataclass(frozen=True)
class Standing:
    """Why a guest has a tier on a day: the scheme, the tier decided by the rules now, every line with its number.

    `tier` is what the rules say of `on` with what is known now; `decision` the row that the night wrote (which the
    label shows), None before the first night. `unrated` says what keeps the guest unrated; `given_until` until when a
    tier given by hand stands; `kept` what protects the guest from falling (`stay`, `grace`).
    """

    scheme: Scheme
    version: int
    on: date
    tier: str
    label: str
    since: date | None
    decision: TierDecision | None
    values: dict[str, Fraction | None]
    lines: dict[str, Line]
    evidence: dict[str, list[Line]]
    unrated: list[dict[str, Any]]
    known: Known
    given_until: date | None
    kept: str


def standing(store: Store, customer_id: int, on: date, axis: str = "tier") -> Standing | None:
    """The guest's standing; None where no scheme was in force. Another store's guest is NotHere."""
    patronage = Patronage.objects.filter(store=store, customer_id=customer_id).first()
    if patronage is None:
        raise NotHere()
    adoption = in_force(store.pk, on, axis)
    if adoption is None:
        return None
    scheme = scheme_of(adoption.version)
    [row] = rows_of(question_of(scheme, store, on, customer_ids=(customer_id,)), customer_id)
    known = known_from(scheme, row, on)
    decision = (
        TierDecision.objects.filter(store=store, customer_id=customer_id, axis=axis, business_date__lte=on)
        .select_related("version__scheme")
        .order_by("-business_date", "-id")
        .first()
    )
    on_the_door = axis == "tier"
    return Standing(
        scheme,
        adoption.version.number,
        on,
        decide(scheme, known),
        patronage.tier if on_the_door else patronage.labels.get(axis, ""),
        patronage.tier_since if on_the_door else decision.business_date if decision else None,
        decision,
        dict(known.values),
        {tier.code: explain(tier.when, known, tier.code) for tier in scheme.tiers},
        {
            tier.code: [explain(node, known, f"{tier.code}.e{n + 1}") for n, node in enumerate(tier.evidence)]
            for tier in scheme.tiers
        },
        row["unrated"] or [],
        known,
        row["given_until"] if known.given else None,
        "" if known.given in scheme.codes else kept_by(scheme, known),
    )


def known_from(scheme: Scheme, row: dict[str, Any], on: date) -> Known:
    """A fact row (of `question_of`) as the rules look at it."""
    values = {
        key: fact_value(row, key) for key in row if not key.endswith("__per") and facts.is_measured(key)
    }
    prior = None
    if row.get("prior"):
        prior = Prior(on, row["prior"], row["prior_since"], row["fading_since"])
    return Known(
        values,
        frozenset(row["tags"] or ()),
        frozenset(row["judged"] or ()),
        bool(row["unrated"]),
        {key.removeprefix("profile_"): value for key, value in row.items() if key.startswith("profile_")},
        row.get("given") or "",
        prior,
    )


def rows_of(question: Question, customer_id: int | None = None) -> Iterator[dict[str, Any]]:
    """The fact rows of a question as dictionaries, by external_id."""
    sql, params = fact_rows(question)
    only = ""
    if customer_id is not None:
        only, params = " WHERE f.customer_id = %(customer)s", params | {"customer": customer_id}
    yield from _read(f'{sql} SELECT f.* FROM f{only} ORDER BY f.external_id COLLATE "C"', params)


def rows_of_days(questions: Sequence[Question], customer_id: int) -> Iterator[dict[str, Any]]:
    """One guest's fact rows on many days, the day as `on`, in no order."""
    for sql, params in fact_rows_of_days(questions):
        yield from _read(f"{sql} WHERE one.customer_id = %(customer)s", params | {"customer": customer_id})


def _read(sql: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            found = dict(zip(names, row, strict=True))
            for name in ("unrated", "labels"):
                if isinstance(found[name], str):
                    found[name] = json.loads(found[name])
            yield found


def fact_value(row: dict[str, Any], key: str) -> Any:
    """A fact of a row as an exact number (fen inside), a date, or None."""
    value = row[key]
    if value is None or isinstance(value, date):
        return value
    per = row[f"{key}__per"] if f"{key}__per" in row else facts.per_of(key)
    return Fraction(int(value), int(per)) if per else None


def is_unrated(tier: str) -> bool:
    return tier in ("", UNRATED)
