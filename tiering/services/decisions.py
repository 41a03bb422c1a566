"""The apply step: one store, one night, one axis, one transaction.

candidates (changed guests only) → brake → decisions → label. Re-running a night writes nothing new; re-running
an older night with what is known now writes superseding decisions marked corrected and never moves a label.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from customers.services.labels import set_tiers
from staff.models import Store
from tiering import compile as compiler
from tiering.models import Night
from tiering.query import Question, fact_rows
from tiering.rules import Scheme, facts_used, words_used
from tiering.selectors.schemes import in_force, scheme_of

BRAKE_AT_LEAST = 50


class Held(Exception):
    """The brake: more guests would change in one night than the store allows. Nothing was written."""

    def __init__(self, counts: dict[str, Any]) -> None:
        super().__init__("held")
        self.counts = counts


@dataclass(frozen=True)
class Outcome:
    """What a night decided: guests looked at, changed, risen, fallen, newly graded; or no scheme in force."""

    guests: int = 0
    changed: int = 0
    rose: int = 0
    fell: int = 0
    entered: int = 0
    corrected: int = 0
    scheme: str = ""
    version: int = 0

    def counts(self) -> dict[str, Any]:
        return dict(self.__dict__)


def question_of(scheme: Scheme, store_id: int, on: date, **narrow: Any) -> Question:
    """The question whose rows are enough to decide, explain and record under `scheme`."""
    tags, codes = words_used(scheme)
    return Question(
        store_id,
        on,
        tuple(facts_used(scheme)),
        tuple(tags),
        tuple(codes),
        scheme.requires,
        scheme.observe_months,
        **narrow,
    )


def decide_night(
    store: Store,
    on: date,
    *,
    at: datetime,
    run_id: int | None = None,
    approved: bool = False,
    fence: Any = None,
) -> Outcome:
    """Decide every guest of `store` for business day `on`; write what differs from the answer before.

    `at` is the moment of the run: decisions carry it as `decided_at` and as what was known. `fence`, if given, is
    called last inside the transaction and may raise to undo it. Raises Held when the brake holds and the night was
    not `approved`. May run any number of times.
    """
    adoption = in_force(store.pk, on)
    if adoption is None:
        return Outcome()
    scheme = scheme_of(adoption.version)
    with transaction.atomic(), connection.cursor() as cursor:
        newest = _lock_newest(store, scheme.axis)
        live = newest is None or on >= newest.business_date
        guests = _candidates(cursor, store, scheme, on, newest if live else None, live)
        outcome = _count(cursor, scheme, guests, adoption.version.number, live)
        if live and not approved and newest and newest.version_id == adoption.version_id:
            _brake(cursor, store, scheme, on, newest, outcome)
        _write(cursor, store, scheme, adoption.version_id, on, at, run_id, corrected=not live)
        if live:
            set_tiers(store.pk, on)
            Night.objects.update_or_create(
                store=store,
                axis=scheme.axis,
                business_date=on,
                defaults={"version_id": adoption.version_id, "decided_at": at, "changed": outcome.changed},
            )
        if fence:
            fence()
    return outcome


def _lock_newest(store: Store, axis: str) -> Night | None:
    """The newest night decided; the store's row is locked so that two runs of one store queue up."""
    Store.objects.select_for_update().get(pk=store.pk)
    return Night.objects.filter(store=store, axis=axis).order_by("-business_date").first()


def _candidates(cursor: Any, store: Store, scheme: Scheme, on: date, newest: Night | None, live: bool) -> int:
    """Fill the temporary table `candidates` with the guests whose answer differs; returns the guests seen.

    A live night compares with the label (and with corrections made since the newest night, which the label
    does not show); a night of the past with the decision that stood on it.
    """
    rows, params = fact_rows(question_of(scheme, store.pk, on))
    params |= {"axis": scheme.axis, "since": newest.decided_at if newest else datetime.min}
    if live:
        stood = (
            "SELECT DISTINCT ON (d.customer_id) d.customer_id, d.tier FROM tiering_tierdecision d "
            "WHERE d.customer_id IN (SELECT c.customer_id FROM tiering_tierdecision c WHERE c.store_id = %(store)s "
            "AND c.axis = %(axis)s AND c.corrected AND c.decided_at > %(since)s) "
            "AND d.store_id = %(store)s AND d.axis = %(axis)s AND d.business_date <= %(day)s "
            "ORDER BY d.customer_id, d.business_date DESC, d.id DESC"
        )
        before = "coalesce(stood.tier, f.label)"
    else:
        stood = (
            "SELECT DISTINCT ON (d.customer_id) d.customer_id, d.tier FROM tiering_tierdecision d "
            "WHERE d.store_id = %(store)s AND d.axis = %(axis)s AND d.business_date <= %(day)s "
            "ORDER BY d.customer_id, d.business_date DESC, d.id DESC"
        )
        before = "coalesce(stood.tier, '')"
    keys = list(facts_used(scheme))
    cursor.execute("DROP TABLE IF EXISTS candidates")
    cursor.execute(
        f"CREATE TEMPORARY TABLE candidates ON COMMIT DROP AS {rows}, stood AS ({stood}), "
        f"decided AS (SELECT f.*, {before} AS before, {compiler.tier_case(scheme)} AS tier "
        "FROM f LEFT JOIN stood ON stood.customer_id = f.customer_id) "
        f"SELECT f.customer_id, f.before, f.label, f.tier, {compiler.reasons_array(scheme, 'f.tier')} AS reasons, "
        f"{compiler.facts_object(keys)} AS facts FROM decided f "
        f"WHERE f.tier <> f.before{' OR f.tier <> f.label' if live else ''}",
        params,
    )
    cursor.execute("SELECT count(*) FROM customers_patronage WHERE store_id = %s", [store.pk])
    return cursor.fetchone()[0]


def _count(cursor: Any, scheme: Scheme, guests: int, version: int, live: bool) -> Outcome:
    cursor.execute("SELECT before, tier, count(*) FROM candidates WHERE before <> tier GROUP BY 1, 2")
    moves = cursor.fetchall()
    graded = [(scheme.rank(a), scheme.rank(b), n) for a, b, n in moves if a]
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
    """Hold a night in which too many guests would move though neither the rules nor much time did."""
    if not newest.business_date < on <= newest.business_date + timedelta(days=3):
        return
    top = scheme.codes[0]
    cursor.execute(
        "SELECT count(*) FILTER (WHERE tier <> ''), count(*) FILTER (WHERE tier = %s) "
        "FROM customers_patronage WHERE store_id = %s",
        [top, store.pk],
    )
    graded, at_top = cursor.fetchone()
    cursor.execute("SELECT count(*) FROM candidates WHERE before = %s AND tier <> before", [top])
    lost = cursor.fetchone()[0]
    moved = outcome.rose + outcome.fell
    limit = store.brake_percent
    if max(moved, lost) >= BRAKE_AT_LEAST and (moved * 100 > graded * limit or lost * 100 > at_top * limit):
        raise Held(outcome.counts() | {"graded": graded, "top_lost": lost, "limit_percent": limit})


def _write(
    cursor: Any,
    store: Store,
    scheme: Scheme,
    version_id: int,
    on: date,
    at: datetime,
    run_id: int | None,
    *,
    corrected: bool,
) -> None:
    cursor.execute(
        "INSERT INTO tiering_tierdecision (store_id, customer_id, axis, business_date, version_id, tier, previous, "
        "reasons, facts, run_id, decided_at, known_at, corrected) "
        "SELECT %s, customer_id, %s, %s, %s, tier, before, reasons, facts, %s, %s, %s, %s "
        "FROM candidates WHERE tier <> before ORDER BY customer_id",
        [store.pk, scheme.axis, on, version_id, run_id, at, at, corrected],
    )
