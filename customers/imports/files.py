"""A file read to its end: the good rows, the repeated ones, the faults; the database is not asked yet."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from common.cells import TableError
from common.keys import blind_index
from common.tables import Table, read_table
from customers.imports.rows import (
    CustomerRow,
    RowError,
    VisitRow,
    customer_headers,
    customer_rows,
    visit_headers,
    visit_rows,
)

Source = str | Path | bytes
Progress = Callable[[int], None]
# Of a hundred per cent; the rest is for checking against the database and writing.
READ_PERCENT = 70
_ROWS_A_STEP = 2000
_CHUNK = 1 << 20

Row = TypeVar("Row", CustomerRow, VisitRow)


@dataclass
class Brought(Generic[Row]):
    """What a file of guests or bills says. `good` are the rows without a fault of their own, each once; `total` counts all.

    `headers` says how the file writes a field; `rows_by_number` and `rows_by_phone` on which row a guest of this
    file stands, good or not.
    """

    is_visits: bool
    source: Source
    filename: str
    headers: dict[str, str]
    unknown_columns: tuple[str, ...]
    total: int = 0
    repeated: int = 0
    good: list[Row] = field(default_factory=list)
    faults: list[RowError] = field(default_factory=list)
    rows_by_number: dict[str, int] = field(default_factory=dict)
    rows_by_phone: dict[str, int] = field(default_factory=dict)

    def fault(self, row: int, column: str, code: str, /, **params: object) -> RowError:
        """A fault whose column is named as the file names it."""
        return RowError(row, self.headers.get(column, column), code, params)


def read_customers(
    source: Source, filename: str, *, today: date, progress: Progress | None, max_bytes: int | None
) -> Brought[CustomerRow]:
    """A file of guests. Raises TableError: those of `read_table`, columns_missing, no_rows."""
    table = read_table(source, filename, max_bytes)
    found = customer_headers(table)
    brought: Brought[CustomerRow] = Brought(False, source, filename, _headers(found.fields), found.unknown)
    numbers: dict[str, CustomerRow] = {}
    phones: dict[str, CustomerRow] = {}
    for row, faults in _counted(brought, customer_rows(table, found, today=today), table, progress):
        if row.external_id:
            brought.rows_by_number.setdefault(row.external_id, row.row)
        if row.phone:
            brought.rows_by_phone.setdefault(row.phone, row.row)
        if faults:
            brought.faults += faults
            continue
        first = numbers.get(row.external_id) or phones.get(row.phone)
        if first is None:
            brought.good.append(row)
            if row.external_id:
                numbers[row.external_id] = row
            if row.phone:
                phones[row.phone] = row
        elif first == row:
            brought.repeated += 1
        elif row.external_id and first.external_id == row.external_id:
            brought.faults.append(
                brought.fault(
                    row.row, "external_id", "row_repeats_number", number=row.external_id, row=first.row
                )
            )
        else:
            brought.faults.append(brought.fault(row.row, "phone", "row_repeats_phone", row=first.row))
    return brought


def read_visits(
    source: Source,
    filename: str,
    *,
    zone: str,
    at: datetime,
    progress: Progress | None,
    max_bytes: int | None,
) -> Brought[VisitRow]:
    """A file of bills; one without a number gets one from its content. Raises as `read_customers`."""
    table = read_table(source, filename, max_bytes)
    found = visit_headers(table)
    brought: Brought[VisitRow] = Brought(True, source, filename, _headers(found.fields), found.unknown)
    bills: dict[str, VisitRow] = {}
    walk = visit_rows(table, found, zone=ZoneInfo(zone), at=at)
    for told, faults in _counted(brought, walk, table, progress):
        if told is None:
            brought.faults += faults
            continue
        row = told if told.external_id else replace(told, external_id=minted_number(told))
        first = bills.setdefault(row.external_id, row)
        if first is row:
            brought.good.append(row)
        elif first == row:
            brought.repeated += 1
        elif told.external_id:
            brought.faults.append(
                brought.fault(
                    row.row, "external_id", "row_repeats_number", number=row.external_id, row=first.row
                )
            )
        else:
            brought.faults.append(brought.fault(row.row, "external_id", "row_same_bill", row=first.row))
    return brought


def minted_number(row: VisitRow) -> str:
    """The number of a bill that has none: the same guest, moment, amount and table give the same number.

    So the same file twice is the same bills once, and a party or a note filled in later is a correction. The
    index key goes into it: nobody can find a telephone number by trying.
    """
    moment = row.visited_at.astimezone(UTC).isoformat()
    told = [row.customer_external_id, row.customer_phone, moment, row.amount_fen, row.table]
    return f"F-{blind_index('bill', json.dumps(told)).hex()[:24]}"


def _headers(fields: dict[str, str]) -> dict[str, str]:
    return {column: header for header, column in fields.items()}


_Item = TypeVar("_Item")


def _counted(
    brought: Brought[Row], walk: Iterator[_Item], table: Table, progress: Progress | None
) -> Iterator[_Item]:
    expected = _rows_expected(brought.source, table.encoding) if progress else 0
    for item in walk:
        brought.total += 1
        if progress and brought.total % _ROWS_A_STEP == 0:
            progress(READ_PERCENT * brought.total // max(expected, brought.total + 1))
        yield item
    if not brought.total:
        raise TableError("no_rows")
    if progress:
        progress(READ_PERCENT)


def _rows_expected(source: Source, encoding: str) -> int:
    """Near enough for a bar: the lines of a CSV, an XLSX's bytes by what a packed row takes."""
    if encoding == "xlsx":
        return (len(source) if isinstance(source, bytes) else Path(source).stat().st_size) // 40
    if isinstance(source, bytes):
        return source.count(b"\n")
    with open(source, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK), b""))
