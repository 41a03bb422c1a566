"""Bringing a file in: `import_customers`, `import_visits`.

Both read the file to its end, check every row against the database, and then write all of it in one transaction;
where a row is at fault they write nothing, or, asked to accept the good rows, all but the faulty ones.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, cast

from django.db import DatabaseError, connection, transaction

from customers.imports.customers import CustomerApply
from customers.imports.files import READ_PERCENT, Brought, Progress, Source, read_customers, read_visits
from customers.imports.report import ERRORS_SHOWN, ImportReport, rest_as_csv
from customers.imports.rows import CustomerRow, RowError, VisitRow
from customers.imports.visits import VisitApply
from staff.models import Person, Store

CUSTOMERS, VISITS = "customers", "visits"
# The first half of the key of an advisory lock; the brand's id is the second.
_LOCK = 7_406_107
_TRIES = 3
# Another door made the same guest or bill between our look and our write; or the two waited for each other.
_LOST_RACE = {"23505", "40P01", "40001"}
WRITTEN = ("created", "linked", "updated", "corrected")
# A foreign key that is checked at the end makes the history trigger of every row walk past all checks that wait:
# quadratic. Checked with its own statement it costs the same for each row.
_BEFORE = "SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL jit = off"
# A table that was nearly empty when the server last looked still looks so to its planner; only loops suffer.
_FOR_MANY_ROWS = "SET LOCAL enable_nestloop = off"
_MANY_ROWS = 500
_AS_BEFORE = "SET CONSTRAINTS ALL DEFERRED; SET LOCAL jit TO DEFAULT; SET LOCAL enable_nestloop TO DEFAULT"


def import_customers(
    *,
    store: Store,
    source: Source,
    filename: str,
    actor: Person | None,
    at: datetime,
    dry_run: bool = False,
    accept_good_rows: bool = False,
    progress: Progress | None = None,
    max_bytes: int | None = None,
) -> ImportReport:
    """Put the guests of a file on file in this store, or bring what is known of them up to date.

    A row means the guest who has its number here, else the brand's guest whose own phone it names (on file from now
    on in this store too), else somebody new. May run again: the same file changes nothing. `source` is a path or
    the file's bytes, `progress` is told per cent. Raises TableError for a file that is refused as a whole.
    """
    brought = bring(CUSTOMERS, store, source, filename, at, progress, max_bytes)
    return take(
        brought,
        store=store,
        actor=actor,
        at=at,
        dry_run=dry_run,
        accept_good_rows=accept_good_rows,
        progress=progress,
    )


def import_visits(
    *,
    store: Store,
    source: Source,
    filename: str,
    actor: Person | None,
    at: datetime,
    dry_run: bool = False,
    accept_good_rows: bool = False,
    progress: Progress | None = None,
    max_bytes: int | None = None,
) -> ImportReport:
    """Record the bills of a file; they count at once, however old.

    A bill is known by its number. The same number with the same content is the same bill; with other content the
    old one is voided as corrected and a new one takes its place; a bill that somebody voided stays voided. May run
    again, arguments and refusals as for `import_customers`.
    """
    brought = bring(VISITS, store, source, filename, at, progress, max_bytes)
    return take(
        brought,
        store=store,
        actor=actor,
        at=at,
        dry_run=dry_run,
        accept_good_rows=accept_good_rows,
        progress=progress,
    )


def bring(
    kind: str,
    store: Store,
    source: Source,
    filename: str,
    at: datetime,
    progress: Progress | None = None,
    max_bytes: int | None = None,
) -> Brought[CustomerRow] | Brought[VisitRow]:
    """The first half: the file read to its end, the database not asked. Raises TableError."""
    if kind == CUSTOMERS:
        today = store.business_day(at)
        return read_customers(source, filename, today=today, progress=progress, max_bytes=max_bytes)
    return read_visits(source, filename, zone=store.timezone, at=at, progress=progress, max_bytes=max_bytes)


def take(
    brought: Brought[CustomerRow] | Brought[VisitRow],
    *,
    store: Store,
    actor: Person | None,
    at: datetime,
    dry_run: bool = False,
    accept_good_rows: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """The second half: checked against the database and written, in one transaction (or a part of the caller's)."""
    report = ImportReport(
        kind=VISITS if brought.is_visits else CUSTOMERS,
        file=brought.filename,
        store=store.code,
        dry_run=dry_run,
        rows=brought.total,
        unknown_columns=brought.unknown_columns,
    )

    def apply() -> _Apply:
        made: _Apply = (VisitApply if brought.is_visits else CustomerApply)(brought, store, actor, at)  # type: ignore[operator, arg-type]
        return made

    faults: list[RowError] = []
    for attempt in range(1, _TRIES + 1):
        try:
            with transaction.atomic():
                faults = _once(
                    report, brought, _apply(brought, store, actor, at), store, accept_good_rows, progress
                )
            break
        except DatabaseError as error:
            if attempt == _TRIES or getattr(error.__cause__, "pgcode", None) not in _LOST_RACE:
                raise
    faults.sort(key=lambda error: error.row)
    report.errors, report.more_errors = faults[:ERRORS_SHOWN], max(0, len(faults) - ERRORS_SHOWN)
    if faults and accept_good_rows:
        report.rest = rest_as_csv(brought.source, brought.filename, faults)
    if progress:
        progress(100)
    return report


class _Apply(Protocol):
    def stage(self, cursor: Any) -> None: ...
    def faults(self, cursor: Any, only_good: bool) -> list[RowError]: ...
    def plan(self, cursor: Any, bad: set[int]) -> Counter[str]: ...
    def write(self, cursor: Any) -> None: ...


def _apply(
    brought: Brought[CustomerRow] | Brought[VisitRow], store: Store, actor: Person | None, at: datetime
) -> _Apply:
    if brought.is_visits:
        return VisitApply(cast(Brought[VisitRow], brought), store, actor, at)
    return CustomerApply(cast(Brought[CustomerRow], brought), store, actor, at)


def _once(
    report: ImportReport,
    brought: Brought[CustomerRow] | Brought[VisitRow],
    apply: _Apply,
    store: Store,
    accept_good_rows: bool,
    progress: Progress | None,
) -> list[RowError]:
    tell: Callable[[int], None] = progress or (lambda percent: None)
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE)
        if len(brought.good) >= _MANY_ROWS:
            cursor.execute(_FOR_MANY_ROWS)
        if not report.dry_run:
            # Guests and phones are the brand's: two files of one brand go one after the other.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, store.brand_id])
        apply.stage(cursor)
        tell(READ_PERCENT + 5)
        faults = brought.faults + apply.faults(cursor, accept_good_rows)
        bad = {error.row for error in faults}
        if bad and not accept_good_rows:
            report.counts = Counter(refused=len(bad))
        else:
            report.counts = apply.plan(cursor, bad)
            report.counts.update(repeated=brought.repeated, refused=len(bad))
            tell(READ_PERCENT + 10)
            if not report.dry_run:
                _write(report, apply, cursor)
        cursor.execute(_AS_BEFORE)
    return faults


def _write(report: ImportReport, apply: _Apply, cursor: Any) -> None:
    apply.write(cursor)
    if sum(report.counts[outcome] for outcome in WRITTEN) >= _MANY_ROWS:
        # Until the server looks by itself, the next night would be planned for a nearly empty table.
        cursor.execute("ANALYZE customers_customer, customers_patronage, customers_visit")
    report.applied = True
