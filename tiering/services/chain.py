"""What would a scheme do in every store of a brand? One pass over facts kept for the question.

A store's own preview counts live. Over hundreds of stores the facts take seconds and the rules a fraction of one: so
the facts of a day are kept in a table, written store by store by the night's own statement, and any thresholds over
the same facts are one statement over it. A store is written again when anything that its facts look at has changed.

Never half an answer. The rows of a store and its mark commit together, and an answer is given once every store asked
for has its mark: a builder that is killed leaves whole stores, and whoever asks next goes on from there. Two builders
share the stores between them. The table is without log, as its marks are: a crash of the server empties both.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from customers.services.labels import MAIN_AXIS
from staff.models import Store
from tiering import compile as compiler
from tiering import facts
from tiering.models import Adoption, ChainFacts, Night, Override
from tiering.query import Question, fact_rows
from tiering.rules import Scheme, needs_of
from tiering.selectors.marks import marks_of
from tiering.selectors.schemes import scheme_of
from tiering.services.decisions import question_of
from tiering.services.preview import _STOOD, Preview

# How long what was found unchanged is taken to be so: whoever moves a threshold compares with the same guests.
LOOKED_AT = timedelta(seconds=60)
# Facts of other questions stay at hand for a while, so that two people do not drop each other's.
AT_HAND = 3
LET_GO_AFTER = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(days=1)
# The first half of the key of an advisory lock; the second is the brand's id, or the store's.
_MAKING, _FILLING = 0x63686D6B, 0x63686669


@dataclass(frozen=True)
class Progress:
    """The facts are being counted: of so many stores asked for so many are done."""

    done: int
    stores: int


@dataclass(frozen=True)
class ChainPreview:
    """What the scheme would do in each store (by its id), and in all together; as of when the oldest was looked at.

    `took_ms` for the statement, without the counting of facts; `counted_ms` for that.
    """

    on: date
    as_of: datetime
    stores: dict[int, Preview]
    total: Preview
    took_ms: int
    counted_ms: int


def chain_preview(
    *,
    stores: Sequence[Store],
    scheme: Scheme,
    on: date,
    at: datetime,
    seconds: float | None = None,
    fresh: bool = False,
) -> ChainPreview | Progress:
    """Every guest of `stores` (of one brand) under `scheme` on `on`: exactly the sum of the stores' own previews.

    Counts what facts are not at hand, for at most about `seconds`; where that was not enough the answer is how far it
    came, and asking again goes on. Facts looked at within the last minute are taken as they are, unless `fresh`. May
    be asked by any number of people at once. Writes nothing but the facts kept for it.
    """
    begun = time.monotonic()
    until = None if seconds is None else begun + seconds
    wanted = _wanted(stores, scheme, on)
    while True:
        kept = _kept(stores, wanted, at)
        left = _fill(kept, stores, wanted, at, until, fresh)
        if left:
            return Progress(len(stores) - left, len(stores))
        counted = time.monotonic() - begun
        answer = _answer(kept, stores, scheme, on, round(counted * 1000))
        if answer:
            return answer


# ---- which facts ---------------------------------------------------------------------------------------------

_SETS = ("keys", "tags", "codes", "fields")


def _wanted(stores: Sequence[Store], scheme: Scheme, on: date) -> Question:
    """What the scheme looks at to decide."""
    needs = needs_of(scheme, evidence=False)
    by_hand = Override.objects.filter(store__in=stores, axis=scheme.axis, valid_until__gte=on).exists()
    return replace(
        question_of(scheme, stores[0], on),
        keys=needs.facts,
        tags=needs.tags,
        codes=needs.codes,
        fields=needs.fields,
        by_hand=by_hand,
    )


def _with_schemes_in_force(wanted: Question, stores: Sequence[Store]) -> Question:
    """What the stores' own schemes look at as well: the next thing tried is one of them with other thresholds."""
    adoptions = (
        Adoption.objects.filter(
            store__in=stores, axis=wanted.axis, from_date__lte=wanted.on, withdrawn_at=None
        )
        .select_related("version__scheme")
        .order_by("store_id", "-from_date", "-id")
        .distinct("store_id")
    )
    words = {name: set(getattr(wanted, name)) for name in _SETS}
    for needs in {needs_of(scheme_of(adoption.version), evidence=False) for adoption in adoptions}:
        # The points of a score are those of the scheme that is tried, or none.
        words["keys"] |= {key for key in needs.facts if not facts.is_score(facts.shared(key) or key)}
        words["tags"] |= {*needs.tags}
        words["codes"] |= {*needs.codes}
        words["fields"] |= {*needs.fields}
    columns: dict[str, Any] = {name: tuple(sorted(found)) for name, found in words.items()}
    return replace(wanted, **columns)


def _as_json(question: Question) -> dict[str, Any]:
    return {
        **{name: list(getattr(question, name)) for name in _SETS},
        "axis": question.axis,
        "requires": sorted(question.requires),
        "observe_months": question.observe_months,
        "scores": repr(question.scores),
        "prior": question.prior,
        "by_hand": question.by_hand,
    }


def _serves(kept: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether facts kept for one question are enough for another."""
    if kept.keys() != wanted.keys() or kept["by_hand"] < wanted["by_hand"]:
        return False
    return all(
        set(kept[name]) >= set(value) if name in _SETS else name == "by_hand" or kept[name] == value
        for name, value in wanted.items()
    )


def _kept(stores: Sequence[Store], wanted: Question, at: datetime) -> ChainFacts:
    """The facts at hand that serve, else a new empty table for them."""
    brand_id = stores[0].brand_id
    kept = _at_hand(brand_id, wanted)
    if kept is None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_MAKING, brand_id])
            kept = _at_hand(brand_id, wanted)
            if kept is None:
                _let_go(cursor, brand_id, at)
                kept = _make(cursor, brand_id, _with_schemes_in_force(wanted, stores), at)
    if kept.asked_at < at - LOOKED_AT:
        ChainFacts.objects.filter(pk=kept.pk).update(asked_at=at)
    return kept


def _at_hand(brand_id: int, wanted: Question) -> ChainFacts | None:
    asked = _as_json(wanted)
    rows = ChainFacts.objects.filter(brand_id=brand_id, on=wanted.on).order_by("-id")
    return next((row for row in rows if _serves(row.question, asked)), None)


def _let_go(cursor: Any, brand_id: int, at: datetime) -> None:
    """Drop the tables of the brand that nobody asked of late, and those of any brand that nobody asked today."""
    of_brand = ChainFacts.objects.filter(brand_id=brand_id).order_by("-asked_at")[AT_HAND - 1 :]
    old = [row.pk for row in of_brand if row.asked_at < at - LET_GO_AFTER]
    old += ChainFacts.objects.filter(asked_at__lt=at - FORGOTTEN_AFTER).values_list("pk", flat=True)
    # Whoever writes or reads a table holds its row: it is dropped when they are done.
    for row in ChainFacts.objects.select_for_update().filter(pk__in=old).order_by("pk"):
        cursor.execute(f"DROP TABLE IF EXISTS {row.table}")
        row.delete()


def _make(cursor: Any, brand_id: int, wanted: Question, at: datetime) -> ChainFacts:
    kept = ChainFacts.objects.create(brand_id=brand_id, on=wanted.on, question=_as_json(wanted), asked_at=at)
    rows, params = _rows(wanted)
    # After a crash of the server the numbers begin again, and an empty table of before may still be there.
    cursor.execute(f"DROP TABLE IF EXISTS {kept.table}")
    cursor.execute(f"CREATE UNLOGGED TABLE {kept.table} AS {rows} WITH NO DATA", params)
    cursor.execute(f"CREATE INDEX ON {kept.table} (store_id)")
    return kept


# ---- counting ------------------------------------------------------------------------------------------------


def _rows(question: Question) -> tuple[str, dict[str, Any]]:
    """The statement whose rows are kept: facts, where the guest stands today, and how many of the store are alike in both.

    No guest is named: there is nothing here to forget when one is forgotten.
    """
    rows, params = fact_rows(question)
    label = "f.label" if question.axis == MAIN_AXIS else "coalesce(f.labels ->> %(axis)s, '')"
    columns = []
    for key in question.keys:
        columns.append(f"f.{key}")
        if facts.per_of(key) is None:
            columns.append(f"f.{key}__per")
    if question.prior:
        columns += ["f.prior_since", "f.fading_since", "f.prior"]
    if question.requires or question.observe_months:
        columns.append("CASE WHEN f.unrated IS NOT NULL THEN true END AS unrated")
    columns.append(f"coalesce(stood.tier, {label}) AS before")
    columns += ["f.given"] * question.by_hand
    columns += [f"f.profile_{name}" for name in question.fields]
    columns += ["f.tags"] * bool(question.tags) + ["f.judged"] * bool(question.codes)
    newest = (
        Night.objects.filter(store_id=question.store_id, axis=question.axis)
        .order_by("-business_date")
        .first()
    )
    alike = ", ".join(str(n + 3) for n in range(len(columns)))
    statement = (
        f"{rows}, {_STOOD} SELECT %(store)s AS store_id, count(*)::int AS guests, {', '.join(columns)} "
        f"FROM f LEFT JOIN stood ON stood.customer_id = f.customer_id GROUP BY {alike}"
    )
    since = newest.decided_at if newest else datetime.min
    return statement, params | {"axis": question.axis, "since": since}


def _fill(
    kept: ChainFacts,
    stores: Sequence[Store],
    wanted: Question,
    at: datetime,
    until: float | None,
    fresh: bool,
) -> int:
    """Count the stores whose facts are missing or old; how many are left when the time is up."""
    since = (at - LOOKED_AT).timestamp()
    ask = [
        store for store in stores if fresh or not since < kept.checked.get(str(store.pk), 0) <= at.timestamp()
    ]
    if not ask:
        return 0
    columns: dict[str, Any] = {name: tuple(kept.question[name]) for name in _SETS}
    question = replace(wanted, **columns, by_hand=kept.question["by_hand"])
    marks = marks_of(ask, question)
    stale = [store for store in ask if kept.marks.get(str(store.pk)) != marks[store.pk]]
    _note(kept, {}, {store.pk: at.timestamp() for store in ask if store not in stale})
    taken: list[Store] = []
    for n, store in enumerate(stale):
        # One at least, so that whoever asks again and again comes to the end.
        if until is not None and n and time.monotonic() > until:
            return len(stale) - n + len(taken)
        if not _write(kept, replace(question, store_id=store.pk, zone=store.timezone), marks[store.pk], at):
            taken.append(store)
    if until is not None and taken:
        return len(taken)
    for store in taken:
        _write(
            kept, replace(question, store_id=store.pk, zone=store.timezone), marks[store.pk], at, wait=True
        )
    if len(stale) * 10 > len(stores):
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {kept.table} (store_id, before)")
    return 0


def _write(kept: ChainFacts, question: Question, mark: str, at: datetime, *, wait: bool = False) -> bool:
    """The rows of one store anew, unless somebody has just written them; False while somebody else is at it.

    The mark was taken before the rows are read: what changes in between is found the next time.
    """
    store = question.store_id
    with transaction.atomic(), connection.cursor() as cursor:
        lock = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        cursor.execute(f"SELECT {lock}(%s, %s)", [_FILLING, store])
        if cursor.fetchone()[0] is False:
            return False
        cursor.execute(
            "SELECT marks ->> %s FROM tiering_chainfacts WHERE id = %s FOR KEY SHARE", [str(store), kept.pk]
        )
        row = cursor.fetchone()
        if row is None or row[0] == mark:
            return True
        if row[0] is not None:
            cursor.execute(f"DELETE FROM {kept.table} WHERE store_id = %s", [store])
        rows, params = _rows(question)
        cursor.execute(f"INSERT INTO {kept.table} {rows}", params)
        _note(kept, {store: mark}, {store: at.timestamp()})
    return True


def _note(kept: ChainFacts, marks: dict[int, str], checked: dict[int, float]) -> None:
    if marks or checked:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tiering_chainfacts SET marks = marks || %s::jsonb, checked = checked || %s::jsonb "
                "WHERE id = %s",
                [json.dumps(marks), json.dumps(checked), kept.pk],
            )


# ---- the answer ----------------------------------------------------------------------------------------------


def _answer(
    kept: ChainFacts, stores: Sequence[Store], scheme: Scheme, on: date, counted_ms: int
) -> ChainPreview | None:
    """One statement over the facts; None where they are gone meanwhile."""
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT marks::text, checked::text FROM tiering_chainfacts WHERE id = %s FOR KEY SHARE", [kept.pk]
        )
        row = cursor.fetchone()
        if row is None:
            return None
        marks, checked = json.loads(row[0]), json.loads(row[1])
        ids = [store.pk for store in stores]
        if not {str(pk) for pk in ids} <= set(marks):
            return None
        only = "" if len(marks) == len(ids) else " WHERE store_id = ANY(%(stores)s)"
        absent = "" if scheme.requires or scheme.observe_months else ", NULL::boolean AS unrated"
        absent += "" if kept.question["by_hand"] else ", NULL::text AS given"
        absent += "".join(
            f", c.{key} AS {key}__short"
            for key in needs_of(scheme, evidence=False).facts
            if facts.short_of(key)
        )
        cursor.execute(
            f"WITH f AS (SELECT c.*{absent} FROM {kept.table} c{only}), {compiler.decided(scheme)} "
            "SELECT store_id, before, tier, sum(guests) FROM t GROUP BY 1, 2, 3",
            {"day": on, "stores": ids},
        )
        found = cursor.fetchall()
    took = round((time.perf_counter() - started) * 1000)
    each: dict[int, list[tuple[str, str, int]]] = {pk: [] for pk in ids}
    together: dict[tuple[str, str], int] = {}
    for store, before, tier, guests in found:
        each[store].append((before, tier, guests))
        together[before, tier] = together.get((before, tier), 0) + guests
    return ChainPreview(
        on,
        datetime.fromtimestamp(min(checked[str(pk)] for pk in ids), UTC),
        {pk: _counted(scheme, on, rows, took) for pk, rows in each.items()},
        _counted(scheme, on, [(*move, guests) for move, guests in together.items()], took),
        took,
        counted_ms,
    )


def _counted(scheme: Scheme, on: date, rows: list[tuple[str, str, int]], took: int) -> Preview:
    now: dict[str, int] = {}
    then = dict.fromkeys(scheme.codes, 0)
    for before, tier, guests in sorted(rows):
        now[before] = now.get(before, 0) + guests
        then[tier] = then.get(tier, 0) + guests
    return Preview(on, now, then, [row for row in sorted(rows) if row[0] != row[1]], took)
