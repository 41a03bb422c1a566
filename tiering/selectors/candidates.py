"""Who waits for a person's word: candidates for a tier, and guests who can be rated or lack a field for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from customers.models import Customer, Patronage
from staff.models import Store
from tiering import facts
from tiering.compile import condition, quoted
from tiering.confirming import Open, open_tiers
from tiering.rules import UNRATED, Compare, Group, Judged, Known, Line, Profiled, Scheme, Tier, explain
from tiering.selectors.decisions import known_from
from tiering.selectors.judged import judgement_name
from tiering.sentences import FIELDS, amount, language, node_sentence
from tiering.services.decisions import decided_rows

MOST = 200


@dataclass(frozen=True)
class Candidate:
    """A guest for whom the rule of `tier` would hold if its manual lines were confirmed: what speaks for it."""

    patronage: Patronage
    tier: Tier
    now: str
    speaks: list[str]
    asked: list[str]

    @property
    def reason(self) -> str:
        """The numbers as a reason that may be kept with the judgement."""
        return ("；" if language() == "zh" else "; ").join(self.speaks)[:200]


@dataclass(frozen=True)
class Suggested:
    """The candidates of one scheme, the highest tier first: at most 200 of `total`."""

    axis: str
    scheme: Scheme
    total: int
    rows: list[Candidate]


def suggested(store: Store, scheme: Scheme, on: date, most: int = MOST) -> Suggested | None:
    """The candidates of a scheme on a day; None where no tier of it waits for a judgement. Two queries.

    Who is unrated is no candidate, nor who has the tier or a higher one already.
    """
    waiting = open_tiers(scheme)
    if not waiting:
        return None
    rows, params = decided_rows(scheme, store, on)
    ranks = " ".join(f"WHEN {quoted(code)} THEN {n}" for n, code in enumerate(scheme.codes))
    place = f"CASE {{}} {ranks} ELSE {len(scheme.codes)} END"
    statement = (
        f"{rows} SELECT f.*, m.might, count(*) OVER () AS total FROM t f "
        f"CROSS JOIN LATERAL unnest(ARRAY[{_might(scheme, waiting, place.format('f.tier'))}]::text[]) m(might) "
        "JOIN customers_patronage p ON p.store_id = %(store)s AND p.customer_id = f.customer_id "
        f"WHERE f.unrated IS NULL AND m.might IS NOT NULL "
        f"ORDER BY {place.format('m.might')}, p.spend_total_fen DESC, f.customer_id LIMIT %(most)s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params | {"most": most})
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    guests = _patronages(store, [row["customer_id"] for row in found])
    return Suggested(
        scheme.axis,
        scheme,
        found[0]["total"] if found else 0,
        [_candidate(scheme, waiting, row, on, guests[row["customer_id"]]) for row in found],
    )


def _might(scheme: Scheme, waiting: list[Open], place: str) -> str:
    """The SQL of the tiers a row is a candidate for: of a ladder the highest, of labels each."""
    if scheme.is_ladder:
        whens = " ".join(
            f"WHEN {condition(each.rest)} AND {place} > {scheme.rank(each.tier.code)} THEN {quoted(each.tier.code)}"
            for each in waiting
        )
        return f"CASE {whens} END"
    return ", ".join(
        f"CASE WHEN {condition(each.rest)} AND NOT coalesce({condition(each.tier.when)}, false) "
        f"THEN {quoted(each.tier.code)} END"
        for each in waiting
    )


def _patronages(store: Store, customer_ids: list[int]) -> dict[int, Patronage]:
    rows = Patronage.objects.filter(store=store, customer_id__in=customer_ids).select_related("customer")
    return {row.customer_id: row for row in rows}


def _candidate(
    scheme: Scheme, waiting: list[Open], row: dict[str, Any], on: date, patronage: Patronage
) -> Candidate:
    each = next(each for each in waiting if each.tier.code == row["might"])
    if isinstance(row["unrated"], str):
        row["unrated"] = json.loads(row["unrated"])
    known = known_from(scheme, row, on)
    return Candidate(
        patronage,
        each.tier,
        row["tier"],
        list(_speaks(explain(each.rest, known), known, patronage.customer)),
        [judgement_name(code, None) for code in each.codes],
    )


def _speaks(line: Line, known: Known, customer: Customer) -> Iterator[str]:
    """The lines that hold, each with the guest's own number or word."""
    node = line.node
    if not line.holds or isinstance(node, Judged):
        return
    if isinstance(node, Group):
        for part in line.parts:
            yield from _speaks(part, known, customer)
    elif isinstance(node, Compare) and (base := facts.shared(node.fact)):
        yield _("%(fact)s %(value)s，不低于 %(share)s 的客人") % {
            "fact": facts.name_of(base, language()),
            "value": amount(base, known.values.get(base)),
            "share": amount(node.fact, line.value),
        }
    elif isinstance(node, Compare):
        yield _("%(fact)s %(value)s，门槛 %(threshold)s") % {
            "fact": facts.name_of(node.fact, language()),
            "value": amount(node.fact, line.value),
            "threshold": amount(node.fact, node.value),
        }
    elif isinstance(node, Profiled) and node.within:
        said = {"field": FIELDS[node.field], "words": getattr(customer, node.field)}
        yield _("%(field)s：%(words)s") % said
    else:
        yield node_sentence(node)


# ---- rated for the first time ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A guest without a tier: what tonight's would be, or what is missing."""

    patronage: Patronage
    tier: str
    unrated: list[dict[str, Any]]

    @property
    def missing(self) -> list[str]:
        """The mandatory fields that are empty."""
        return [field for reason in self.unrated for field in reason.get("fields", [])]


@dataclass(frozen=True)
class Queue:
    """Who has no tier yet under a scheme that observes or asks for fields: at most 200 of each kind, with the totals.

    `ready`: to be rated tonight; `blocked`: observed long enough, a field is missing; `observing`: how many still are.
    """

    scheme: Scheme
    ready: list[Waiting]
    blocked: list[Waiting]
    totals: dict[str, int]

    @property
    def observing(self) -> int:
        return self.totals.get("observing", 0)


def rating_queue(store: Store, scheme: Scheme, on: date, most: int = MOST) -> Queue | None:
    """Who waits for a first tier; None where the scheme neither observes nor asks for fields. Two queries."""
    if not scheme.observe_months and not scheme.requires:
        return None
    rows, params = decided_rows(scheme, store, on)
    label = "f.label" if scheme.axis == "tier" else "coalesce(f.labels ->> %(axis)s, '')"
    kind = (
        f"CASE WHEN f.unrated IS NULL THEN CASE WHEN {label} IN ('', '{UNRATED}') AND f.tier <> '{UNRATED}' "
        """THEN 'ready' END WHEN f.unrated @> '[{"code": "observing"}]' THEN 'observing' ELSE 'blocked' END"""
    )
    statement = (
        f"{rows} SELECT kind, customer_id, tier, unrated, total FROM ("
        "SELECT k.kind, f.customer_id, f.tier, f.unrated, count(*) OVER (PARTITION BY k.kind) AS total, "
        "row_number() OVER (PARTITION BY k.kind ORDER BY p.spend_total_fen DESC, f.customer_id) AS n FROM t f "
        f"CROSS JOIN LATERAL (SELECT {kind} AS kind) k "
        "JOIN customers_patronage p ON p.store_id = %(store)s AND p.customer_id = f.customer_id "
        "WHERE k.kind IS NOT NULL) x WHERE n <= CASE kind WHEN 'observing' THEN 1 ELSE %(most)s END ORDER BY kind, n"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params | {"most": most})
        found = cursor.fetchall()
    guests = _patronages(store, [pk for kind, pk, *_rest in found if kind != "observing"])
    lists: dict[str, list[Waiting]] = {"ready": [], "blocked": []}
    for kind, pk, tier, unrated, _total in found:
        if kind in lists:
            told = json.loads(unrated) if isinstance(unrated, str) else unrated
            lists[kind].append(Waiting(guests[pk], tier, told or []))
    return Queue(scheme, lists["ready"], lists["blocked"], {kind: total for kind, *_, total in found})
