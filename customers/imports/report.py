"""What an import did, or why it did nothing."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from common.cells import safe_cell
from common.errors import Refused
from common.messages import sentence
from common.tables import read_table
from customers.imports.rows import REASON_HEADERS, RowError

ERRORS_SHOWN = 200


@dataclass
class ImportReport:
    """Rows by what became of them, and the faults (the first 200; `more_errors` counts the others).

    Every row of data is counted once: in `created`, `linked` (a guest the brand knew, now on file here),
    `updated`, `unchanged`, `corrected` (the old bill voided, a new one in its place), `skipped` (a bill that
    somebody here has voided), `repeated` (the same row twice in the file) or `refused`. `applied` is False where
    nothing was written: a dry run, or a fault without `accept_good_rows`; then the other counts are zero unless
    it was a dry run without faults. `rest` is the CSV of the refused rows with a column that says why.
    """

    kind: str
    file: str
    store: str
    dry_run: bool
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[RowError] = field(default_factory=list)
    more_errors: int = 0
    unknown_columns: tuple[str, ...] = ()
    applied: bool = False
    rest: str | None = None

    @property
    def is_refused(self) -> bool:
        """Faults kept the whole file out."""
        return self.counts["refused"] > 0 and self.rest is None

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON has it; `rest` is left out."""
        names = ("created", "linked", "updated", "unchanged", "corrected", "skipped", "repeated", "refused")
        return {
            "file": self.file,
            "store": self.store,
            "rows": self.rows,
            **{name: self.counts[name] for name in names},
            "errors": faults_as_dicts(self.errors),
            "more_errors": self.more_errors,
            "unknown_columns": list(self.unknown_columns),
            "dry_run": self.dry_run,
            "applied": self.applied,
        }


def faults_as_dicts(errors: Iterable[RowError]) -> list[dict[str, Any]]:
    """Each fault with its sentence in the present language, and what another language needs."""
    return [
        {
            "row": error.row,
            "column": error.column,
            "code": error.code,
            "message": sentence(error.code, error.params),
            "params": dict(error.params),
        }
        for error in errors
    ]


def refusal_as_dict(file: str, store: str, dry_run: bool, refusal: Refused) -> dict[str, Any]:
    """A file that was refused as a whole, in the shape of a report."""
    report = ImportReport("", file, store, dry_run).as_dict()
    report["errors"] = [
        {
            "row": refusal.params.get("row"),
            "column": refusal.params.get("column", ""),
            "code": refusal.code,
            "message": str(refusal),
            "params": dict(refusal.params),
        }
    ]
    return report


def rest_as_csv(source: str | Path | bytes, filename: str, errors: Iterable[RowError]) -> str:
    """The rows at fault as the file wrote them, with a column that says why; the file is read again."""
    reasons: dict[int, list[str]] = {}
    for error in errors:
        reasons.setdefault(error.row, []).append(f"{error.column}: {sentence(error.code, error.params)}")
    table = read_table(source, filename)
    headers = [header for header in table.headers if header not in REASON_HEADERS]
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*(safe_cell(header) for header in headers), _("原因")])
    for number, cells in table.rows:
        if number in reasons:
            writer.writerow([safe_cell(cells[h]) for h in headers] + [" ".join(reasons[number])])
    return out.getvalue()
