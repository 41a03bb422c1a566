"""The apply step: one store, one night, one axis, one transaction.

candidates (changed guests only) → brake → decisions → label. Re-running a night writes nothing new; re-running
an older night with what is known now writes superseding decisions marked corrected and never moves a label.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from common.clock import moment_of
from customers.services.labels import MAIN_AXIS, set_tiers
from staff.models import Store
from tiering import compile as compiler
from tiering.models import Adoption, Night
from tiering.query import Question, fact_rows
from tiering.rules import Scheme, facts_used, needs_of
from tiering.selectors.schemes import in_force_everywhere, scheme_of

# Below so many graded guests a share says little: the brake leaves such a store alone.
BRAKE_FROM_GUESTS = 200


class Held(Exception):
    """The brake: more guests would change in one night than the store allows. Nothing was written."""

    def __init__(self, counts: dict[str, Any]) -> None:
        super().__init__("held")
        self.counts = counts


@dataclass(frozen=True)
class Outcome:
    """What a night decided: guests looked at, changed, risen, fallen, newly graded; or no scheme in force.

    `beside`: how many changed on the other axes of the store.
    """

    guests: int = 0
    changed: int = 0
    rose: int = 0
    fell: int = 0
    entered: int = 0
    corrected: int = 0
    scheme: str = ""
    version: int = 0
    beside: dict[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, Any]:
        return dict(self.__dict__)


def question_of(scheme: Scheme, store: Store, on: date, **narrow: Any) -> Question:
    """The question whose rows are enough to decide, explain and record under `scheme`."""
    needs = needs_of(scheme)
    return Question(
        store.pk,
        on,
        needs.facts,
        tags=needs.tags,
        codes=needs.codes,
        fields=needs.fields,
        requires=scheme.requires,
        observe_months=scheme.observe_months,
        scores=scheme.scores,
        zone=store.timezone,
        axis=scheme.axis,
        prior=scheme.protects,
        ended_at=moment_of(on + timedelta(days=1), store.day_ends_at, store.timezone),
        **narrow,
    )


def decided_rows(scheme: Scheme, store: Store, on: date, **narrow: Any) -> tuple[str, dict[str, Any]]:
    """The WITH clause that ends in `t`: the fact rows with what is decided of each. Every door looks through this."""
    return _rows(scheme, store, on, _around(store, scheme.axis, on), **narrow)


@dataclass(frozen=True)
class Around:
    """What the statement may leave out: visits after the day, tiers by hand, corrections since the newest night.

    `has_table`: this connection has made its table of candidates.
    """

    later_visits: bool
    by_hand: bool
    corrections: bool
    has_table: bool


_LATER_VISITS = (
    "EXISTS (SELECT 1 FROM customers_visit WHERE store_id = %(store)s AND business_date > %(day)s "
    "AND voided_at IS NULL AND counted_at IS NOT NULL)"
)


def _around(store: Store, axis: str, on: date, since: datetime | None = None) -> Around:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_LATER_VISITS}, "
            "EXISTS (SELECT 1 FROM tiering_override WHERE store_id = %(store)s AND axis = %(axis)s "
            "AND valid_until >= %(day)s), "
            "EXISTS (SELECT 1 FROM tiering_tierdecision WHERE store_id = %(store)s AND axis = %(axis)s AND corrected "
            "AND (%(since)s::timestamptz IS NULL OR decided_at > %(since)s)), "
            "to_regclass('pg_temp.candidates') IS NOT NULL",
            {"store": store.pk, "axis": axis, "day": on, "since": since},
        )
        return Around(*cursor.fetchone())


def _rows(
    scheme: Scheme, store: Store, on: date, around: Around, **narrow: Any
) -> tuple[str, dict[str, Any]]:
    question = question_of(
        scheme, store, on, newest=not around.later_visits, by_hand=around.by_hand, **narrow
    )
    rows, params = fact_rows(question)
    return f"{rows}, {compiler.decided(scheme)}", params


def decide_night(
    store: Store,
    on: date,
    *,
    at: datetime,
    run_id: int | None = None,
    approved: bool = False,
    fence: Callable[[], None] | None = None,
) -> Outcome:
    """Decide every guest of `store` for business day `on` on every axis; write what differs from the answer before.

    `at` is the moment of the run: decisions carry it as `decided_at` and as what was known. `fence`, if given, is
    called last inside each axis's transaction and may raise to undo it. Raises Held when the brake holds and the
    night was not `approved`. May run any number of times.
    """
    outcome, beside = Outcome(), {}
    for adoption in in_force_everywhere(store.pk, on):
        found = _decide_axis(store, adoption, on, at, run_id, approved, fence)
        if adoption.axis == MAIN_AXIS:
            outcome = found
        else:
            beside[adoption.axis] = found.changed
    return replace(outcome, beside=beside)


def _decide_axis(
    store: Store,
    adoption: Adoption,
    on: date,
    at: datetime,
    run_id: int | None,
    approved: bool,
    fence: Callable[[], None] | None,
) -> Outcome:
    scheme = scheme_of(adoption.version)
    with transaction.atomic(), connection.cursor() as cursor:
        newest = _lock_newest(cursor, store, scheme.axis)
        live = newest is None or on >= newest.business_date
        if live and scheme.grace_days:
            _forget_fading(cursor, store, scheme, on)
        _candidates(cursor, store, scheme, on, newest if live else None, live)
        outcome = _count(cursor, store, scheme, adoption.version.number, live)
        if live and not approved and newest and newest.version_id == adoption.version_id:
            _brake(cursor, store, scheme, on, newest, outcome)
        # Whatever the clock says now: a correction comes after the night that did not know of it.
        decided_at = at if live or newest is None else max(at, newest.decided_at + timedelta(microseconds=1))
        _write(cursor, store, scheme, adoption.version_id, on, at, decided_at, run_id, corrected=not live)
        if live:
            set_tiers(store.pk, on, scheme.axis)
            if scheme.grace_days:
                _keep_fading(cursor, store, scheme, on)
            _note_night(cursor, store, adoption, on, at, outcome.changed)
        if fence:
            fence()
    return outcome


def _note_night(cursor: Any, store: Store, adoption: Adoption, on: date, at: datetime, changed: int) -> None:
    """The night is decided; one decided again keeps what it had changed and adds what it changes now."""
    cursor.execute(
        "INSERT INTO tiering_night (store_id, axis, business_date, version_id, decided_at, changed) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (store_id, axis, business_date) DO UPDATE SET "
        "version_id = excluded.version_id, decided_at = excluded.decided_at, "
        "changed = tiering_night.changed + excluded.changed",
        [store.pk, adoption.axis, on, adoption.version_id, at, changed],
    )


def _lock_newest(cursor: Any, store: Store, axis: str) -> Night | None:
    """The newest night decided; the store's row is locked so that two runs of one store queue up.

    Not its key: a visit that is being logged refers to the store and must not wait for the night.
    """
    cursor.execute("SELECT 1 FROM staff_store WHERE id = %s FOR NO KEY UPDATE", [store.pk])
    return Night.objects.filter(store=store, axis=axis).order_by("-business_date").first()


def _candidates(
    cursor: Any, store: Store, scheme: Scheme, on: date, newest: Night | None, live: bool
) -> None:
    """Fill the temporary table `candidates` with the guests whose answer differs (and those whom a protection keeps).

    A live night compares with the label (and with corrections made since the newest night, which the label
    does not show); a night of the past with the decision that stood on it.
    """
    around = _around(store, scheme.axis, on, newest.decided_at if newest else None)
    rows, params = _rows(scheme, store, on, around)
    params |= {"axis": scheme.axis, "since": newest.decided_at if newest else datetime.min}
    label = "t.label" if scheme.axis == MAIN_AXIS else "coalesce(t.labels ->> %(axis)s, '')"
    before, stood = label, ""
    if around.corrections or not live:
        corrected = (
            "AND d.customer_id IN (SELECT c.customer_id FROM tiering_tierdecision c WHERE c.store_id = %(store)s "
            "AND c.axis = %(axis)s AND c.corrected AND c.decided_at > %(since)s) "
        )
        rows += (
            ", stood AS (SELECT DISTINCT ON (d.customer_id) d.customer_id, d.tier FROM tiering_tierdecision d "
            "WHERE d.store_id = %(store)s AND d.axis = %(axis)s AND d.business_date <= %(day)s "
            f"{corrected if live else ''}ORDER BY d.customer_id, d.business_date DESC, d.id DESC)"
        )
        stood = "LEFT JOIN stood ON stood.customer_id = t.customer_id "
        before = f"coalesce(stood.tier, {label})" if live else "coalesce(stood.tier, '')"
    # The tier is a long expression: named once, it is computed once for a guest who stays where he is.
    differs = f"t.tier <> {before}"
    if live and before != label:
        differs += f" OR {before} <> {label}"
    if scheme.grace_days:
        differs += " OR t.kept IS NOT NULL"
    # Made once a connection, emptied by every commit: a new table a store would fill the catalogue with dead rows.
    cursor.execute("DELETE FROM candidates" if around.has_table else _TABLE)
    cursor.execute(
        f"{rows} INSERT INTO candidates "
        f"SELECT f.customer_id, f.before, f.on_door, f.tier, f.kept, {compiler.reasons_array(scheme)}, "
        f"{compiler.facts_object(tuple(facts_used(scheme)))} FROM (SELECT t.*, {before} AS before, {label} AS on_door "
        f"FROM t {stood}WHERE {differs} OFFSET 0) f",
        params,
    )
    if not around.later_visits and _has_later_visits(cursor, store, on):
        # The first bill of a later day came in meanwhile: the running sums may have been those of that day.
        _candidates(cursor, store, scheme, on, newest, live)


_TABLE = (
    "CREATE TEMPORARY TABLE candidates (customer_id bigint, before text, label text, tier text, kept text, "
    "reasons jsonb, facts jsonb) ON COMMIT DELETE ROWS"
)


def _has_later_visits(cursor: Any, store: Store, on: date) -> bool:
    cursor.execute(f"SELECT {_LATER_VISITS}", {"store": store.pk, "day": on})
    return bool(cursor.fetchone()[0])


def _count(cursor: Any, store: Store, scheme: Scheme, version: int, live: bool) -> Outcome:
    cursor.execute("SELECT count(*) FROM customers_patronage WHERE store_id = %s", [store.pk])
    [guests] = cursor.fetchone()
    cursor.execute("SELECT before, tier, count(*) FROM candidates WHERE before <> tier GROUP BY 1, 2")
    moves = cursor.fetchall()
    graded = [(scheme.rank(a), scheme.rank(b), n) for a, b, n in moves if a and scheme.is_ladder]
    changed = sum(n for *_, n in moves)
    return Outcome(
        guests,
        changed,
        rose=sum(n for a, b, n in graded if b < a),
        fell=sum(n for a, b, n in graded if b > a),
        entered=sum(n for a, _, n in moves if not a),
        corrected=0 if live else changed,
        scheme=scheme.code,
        version=version,
    )


def _brake(cursor: Any, store: Store, scheme: Scheme, on: date, newest: Night, outcome: Outcome) -> None:
    """Hold a night that would move too many guests whom neither the rules nor the calendar move.

    What the calendar alone does is found by asking the same rules of the same day with what was known when the
    night before was decided.
    """
    if not newest.business_date < on <= newest.business_date + timedelta(days=3):
        return
    moved = outcome.changed - outcome.entered
    limit = store.brake_percent
    graded = outcome.guests - outcome.entered
    if graded <= BRAKE_FROM_GUESTS or moved * 100 <= graded * limit:
        return
    cursor.execute("SELECT array_agg(customer_id) FROM candidates WHERE before <> '' AND tier <> before")
    [guests] = cursor.fetchone()
    rows, params = decided_rows(scheme, store, on, known_at=newest.decided_at, customer_ids=tuple(guests))
    cursor.execute(
        f"{rows} SELECT count(*) FROM t JOIN candidates c ON c.customer_id = t.customer_id "
        "WHERE c.before <> '' AND c.tier <> c.before AND t.tier <> c.tier",
        params,
    )
    [unexplained] = cursor.fetchone()
    if unexplained * 100 > graded * limit:
        raise Held(outcome.counts() | {"graded": graded, "unexplained": unexplained, "limit_percent": limit})


def _write(
    cursor: Any,
    store: Store,
    scheme: Scheme,
    version_id: int,
    on: date,
    at: datetime,
    decided_at: datetime,
    run_id: int | None,
    *,
    corrected: bool,
) -> None:
    cursor.execute(
        "INSERT INTO tiering_tierdecision (store_id, customer_id, axis, business_date, version_id, tier, previous, "
        "reasons, facts, run_id, decided_at, known_at, corrected) "
        "SELECT %s, customer_id, %s, %s, %s, tier, before, reasons, facts, %s, %s, %s, %s "
        "FROM candidates WHERE tier <> before ORDER BY customer_id",
        [store.pk, scheme.axis, on, version_id, run_id, decided_at, at, corrected],
    )


def _forget_fading(cursor: Any, store: Store, scheme: Scheme, on: date) -> None:
    """Take back what an earlier run of this very night noted, so that running it again starts from the same."""
    cursor.execute(
        "DELETE FROM tiering_fading WHERE store_id = %s AND axis = %s AND since >= %s",
        [store.pk, scheme.axis, on],
    )
    cursor.execute(
        "UPDATE tiering_fading SET until = NULL WHERE store_id = %s AND axis = %s AND until = %s",
        [store.pk, scheme.axis, on],
    )


def _keep_fading(cursor: Any, store: Store, scheme: Scheme, on: date) -> None:
    """Note for whom the rules say lower since this night though the tier stands, and of whom that is over."""
    params = {"store": store.pk, "axis": scheme.axis, "day": on}
    cursor.execute(
        "UPDATE tiering_fading x SET until = %(day)s WHERE x.store_id = %(store)s AND x.axis = %(axis)s "
        "AND x.until IS NULL AND NOT EXISTS (SELECT 1 FROM candidates c WHERE c.customer_id = x.customer_id "
        "AND c.kept IS NOT NULL)",
        params,
    )
    cursor.execute(
        "INSERT INTO tiering_fading (store_id, axis, customer_id, since) SELECT %(store)s, %(axis)s, "
        "c.customer_id, %(day)s FROM candidates c WHERE c.kept IS NOT NULL ORDER BY 1, 3 "
        "ON CONFLICT (store_id, axis, customer_id) WHERE until IS NULL DO NOTHING",
        params,
    )
