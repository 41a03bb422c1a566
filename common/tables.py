"""People's files as rows of text: CSV in the encodings and XLSX in the shapes that people have.

What a file is, is judged by its content; its name only helps to refuse what cannot be a table. A CSV
is read in a stream: two passes, a bounded amount of memory. An XLSX is looked through before
it is opened, because a small file can unpack to gigabytes or name a cell in row 1,048,576.
"""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common.cells import TableError, clean, plain, shorten
from common.sheets import rows_of_xlsx

SUFFIXES = frozenset({"", ".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls"})
MAX_COLUMNS = 200
MAX_LINE = 1_000_000
# GB18030 does not read as that many characters of UTF-8 by chance: the file is damaged UTF-8.
SURELY_UTF8 = 8
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """A file's headers, and its rows: (row number as a spreadsheet shows it, header -> text).

    `rows` can be walked once; blank rows are left out, missing cells are empty. It raises TableError
    for a broken row, so a caller applies nothing before the walk has ended.
    """

    headers: tuple[str, ...]
    rows: Iterator[tuple[int, dict[str, str]]]
    encoding: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a file may bring: the field it fills and the headers that mean it."""

    field: str
    aliases: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class HeaderMap:
    """Which header fills which field, the headers nobody knows, the required fields not there."""

    fields: dict[str, str]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


def read_table(path_or_bytes: str | Path | bytes, filename: str, max_bytes: int | None = None) -> Table:
    """Open a CSV (UTF-8 with or without BOM, GB18030, UTF-16 with BOM; `,` `;` or tab) or an XLSX.

    The first row with content holds the headers. Raises TableError: file_empty, file_too_large,
    file_unknown_type, file_old_excel, file_web_page, file_nul, file_undecodable, xlsx_corrupt,
    xlsx_unpacks_too_large, xlsx_too_demanding, xlsx_no_sheet, header_missing, header_duplicate,
    header_too_many; while the rows are walked cell_without_header, csv_broken, csv_line_too_long.
    """
    size = len(path_or_bytes) if isinstance(path_or_bytes, bytes) else Path(path_or_bytes).stat().st_size
    if size == 0:
        raise TableError("file_empty")
    if max_bytes is not None and size > max_bytes:
        raise TableError("file_too_large", most=f"{max_bytes / 1024 / 1024:.0f}")
    with _opened(path_or_bytes) as file:
        head = file.read(4096)
        kind = _kind(head, Path(filename).suffix.lower())
        encoding = "xlsx" if kind == "xlsx" else _encoding(file, head)
    if kind == "xlsx":
        records: Iterable[tuple[int, list[str]]] = rows_of_xlsx(path_or_bytes, max_bytes)
    else:
        records = _csv_records(path_or_bytes, encoding)
    records = iter(records)
    header_row = next((cells for _, cells in records if any(cells)), None)
    if header_row is None:
        raise TableError("header_missing")
    headers = _headers(header_row)
    named = tuple(header for header in headers if header)
    return Table(named, _rows(records, headers), encoding)


def map_headers(headers: Sequence[str], spec: Iterable[Column]) -> HeaderMap:
    """Match headers with columns, blind to case, spaces, `_`, `*` and full width.

    A unit in brackets is put aside where the header does not match with it: 金额(元) is 金额. Raises
    TableError header_duplicate where two headers mean one field.
    """
    columns = list(spec)
    known = {_key(word): column.field for column in columns for word in (column.field, *column.aliases)}
    fields: dict[str, str] = {}
    unknown = []
    for header in headers:
        key = _key(header)
        field = known.get(key) or known.get(re.sub(r"\(.*\)$", "", key))
        if field is None:
            unknown.append(header)
        elif field in fields.values():
            raise TableError("header_duplicate", column=shorten(header))
        else:
            fields[header] = field
    missing = tuple(c.field for c in columns if c.required and c.field not in fields.values())
    return HeaderMap(fields, tuple(unknown), missing)


def _key(header: str) -> str:
    return re.sub(r"[\s_*]+", "", plain(header).casefold())


@contextmanager
def _opened(path_or_bytes: str | Path | bytes) -> Iterator[IO[bytes]]:
    if isinstance(path_or_bytes, bytes):
        yield io.BytesIO(path_or_bytes)
    else:
        with open(path_or_bytes, "rb") as file:
            yield file


_BINARY = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
    b"\x7fELF",
)


def _kind(head: bytes, suffix: str) -> str:
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise TableError("file_old_excel")
    if head.startswith(_BINARY) or suffix not in SUFFIXES:
        raise TableError("file_unknown_type")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:9].lower()
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head")):
        raise TableError("file_web_page")
    if start.startswith((b"{", b"[{")):
        raise TableError("file_unknown_type")
    return "csv"


def _encoding(file: IO[bytes], head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise TableError("file_undecodable", row=1)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif head.startswith(codecs.BOM_UTF8):
        candidates = ["utf-8-sig"]
    else:
        candidates = ["utf-8", "gb18030"]
    for candidate in candidates:
        row, wide = _first_bad_row(file, candidate)
        if row == 0:
            return candidate
        if wide > SURELY_UTF8:
            break
    raise TableError("file_undecodable", row=row)


def _first_bad_row(file: IO[bytes], encoding: str) -> tuple[int, int]:
    """The line that does not decode, 0 if all do; and the characters beyond ASCII before it."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    row, wide = 1, 0
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(encoding, errors="ignore")
            return row + good.count("\n"), wide + sum(not c.isascii() for c in good)
        if "\0" in text:
            raise TableError("file_nul", row=row + text[: text.index("\0")].count("\n"))
        if not chunk:
            return 0, wide
        row += text.count("\n")
        if wide <= SURELY_UTF8 and not text.isascii():
            wide += sum(not c.isascii() for c in text)


def _csv_records(path_or_bytes: str | Path | bytes, encoding: str) -> Iterator[tuple[int, list[str]]]:
    with _opened(path_or_bytes) as file, io.TextIOWrapper(file, encoding, newline="") as text:
        lines = _lines(text)
        number, start = 0, ""
        for start in lines:
            if start.strip("\ufeff\r\n\t "):
                break
            number += 1
        named = re.fullmatch(r"\ufeff?sep=(.)\s*", start, re.IGNORECASE)
        number += bool(named)
        source = lines if named else itertools.chain([start], lines)
        delimiter = named[1] if named else _delimiter(start)
        try:
            for cells in csv.reader(source, delimiter=delimiter, strict=True):
                number += 1
                yield number, [clean(cell) for cell in cells]
        except csv.Error:
            raise TableError("csv_broken", row=number + 1) from None


def _lines(text: IO[str]) -> Iterator[str]:
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise TableError("csv_line_too_long", row=number)
        yield line


def _delimiter(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(",;\t", key=bare.count)


_FIGURES = re.compile(r"[-+¥]?[0-9][0-9.,:/\- TZ]*")


def _headers(cells: list[str]) -> list[str]:
    headers = list(cells)
    while headers and not headers[-1]:
        headers.pop()
    if len(headers) > MAX_COLUMNS:
        raise TableError("header_too_many", most=MAX_COLUMNS)
    words = [header for header in headers if header]
    figures = [header for header in words if _FIGURES.fullmatch(plain(header))]
    # A row of data where the headers should be: half of it figures, or one as long as a phone.
    if 2 * len(figures) >= len(words) or any(len(figure) >= 7 for figure in figures):
        raise TableError("header_missing")
    seen = set()
    for word in words:
        if _key(word) in seen:
            raise TableError("header_duplicate", column=shorten(word))
        seen.add(_key(word))
    return headers


def _rows(
    records: Iterable[tuple[int, list[str]]], headers: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    width = len(headers)
    gaps = [index for index, header in enumerate(headers) if not header]
    for number, cells in records:
        if not any(cells):
            continue
        if any(cells[width:]) or any(cells[gap] for gap in gaps if gap < len(cells)):
            raise TableError("cell_without_header", row=number, cells=len(cells), columns=width)
        padded = cells[:width] + [""] * (width - len(cells))
        yield number, {header: cell for header, cell in zip(headers, padded, strict=True) if header}
