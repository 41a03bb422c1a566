"""How the tests of imports bring a file and see what moved."""

import csv
import io
from hashlib import sha256
from typing import Any

from django.db import connection

from customers.imports.report import ImportReport
from customers.imports.service import import_customers, import_visits
from customers.models import Visit
from staff.models import Store
from tests.cast import NOON


def sheet(*rows: str) -> bytes:
    """A CSV; cells are written with | between them."""
    out = io.StringIO()
    csv.writer(out).writerows(row.split("|") for row in rows)
    return out.getvalue().encode()


def bring_guests(store: Store, *rows: str, **more: Any) -> ImportReport:
    arguments = {"actor": None, "at": NOON, "filename": "客户.csv"} | more
    return import_customers(store=store, source=sheet(*rows), **arguments)


def bring_bills(store: Store, *rows: str, **more: Any) -> ImportReport:
    arguments = {"actor": None, "at": NOON, "filename": "消费.csv"} | more
    return import_visits(store=store, source=sheet(*rows), **arguments)


def done(report: ImportReport) -> dict[str, int]:
    """What became of the rows, without the zeros."""
    return {name: count for name, count in report.counts.items() if count}


def faults(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.code) for error in report.errors]


def contents() -> dict[str, str]:
    """Rows and digest of every table of guests and bills, their history included."""
    digests = {}
    with connection.cursor() as cursor:
        for name in sorted(connection.introspection.table_names(cursor)):
            if name.startswith("customers_"):
                cursor.execute(f'SELECT t::text FROM "{name}" t')
                rows = sorted(row for (row,) in cursor.fetchall())
                digests[name] = f"{len(rows)} {sha256(chr(10).join(rows).encode()).hexdigest()}"
    return digests


def living(store: Store) -> dict[str, Visit]:
    return {visit.external_id: visit for visit in Visit.objects.filter(store=store, voided_at=None)}
