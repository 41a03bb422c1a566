"""Many rows at once: PostgreSQL's COPY, with the few kinds of values the demo and the benchmarks write."""

import json
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from django.db import connection

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ROWS = 20_000


def copy_in(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Append rows; returns how many. Texts, numbers, moments, bytes, lists of texts, JSON objects, None."""
    sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    written, lines = 0, []
    with connection.cursor() as cursor:
        for row in rows:
            lines.append("\t".join(map(_spelt, row)))
            if len(lines) == _ROWS:
                _send(cursor, sql, lines)
                written, lines = written + _ROWS, []
        if lines:
            _send(cursor, sql, lines)
    return written + len(lines)


def _send(cursor: Any, sql: str, lines: list[str]) -> None:
    cursor.copy_expert(sql, StringIO("\n".join(lines) + "\n"))


def _spelt(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    if isinstance(value, list):
        cells = ('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value)
        return ("{" + ",".join(cells) + "}").translate(_ESCAPES)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    return str(value)


def after_explicit_ids(tables: Iterable[str]) -> None:
    """Let the identity columns of the tables go on behind the ids that were given."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), "
                f"greatest((SELECT max(id) FROM {table}), 1))",
                [table],
            )
