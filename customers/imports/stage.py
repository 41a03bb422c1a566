"""Rows on their way into the database: a temporary table filled with one COPY."""

import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def stage_rows(
    cursor: Any, table: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]
) -> None:
    """Make the temporary `table` of (name, type) `columns` and fill it; it goes with the transaction."""
    new_table(cursor, table, "(" + ", ".join(f"{name} {kind}" for name, kind in columns) + ")")
    text = io.StringIO()
    for row in rows:
        text.write("\t".join(map(_cell, row)))
        text.write("\n")
    text.seek(0)
    cursor.copy_expert(f"COPY {table} ({', '.join(name for name, _ in columns)}) FROM STDIN", text)
    cursor.execute(f"ANALYZE {table}")


def new_table(cursor: Any, table: str, definition: str, params: Any = None) -> None:
    """A temporary table that goes with the transaction; one left by an earlier import of it is replaced.

    `definition` is what follows the name: the columns in brackets, or a query.
    """
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
    if definition.startswith("("):
        cursor.execute(f"CREATE TEMPORARY TABLE {table} {definition} ON COMMIT DROP")
    else:
        cursor.execute(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {definition}", params)
        cursor.execute(f"ANALYZE {table}")


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
