"""The first visible sheet of an XLSX as rows of text, looked through before it is opened.

The reader lays a sheet out as a full rectangle in memory, so two cells in opposite corners would
ask for half a terabyte and end the process. Nothing is handed to it before the parts have been
unpacked once, counted, and the corner cells compared with the number of cells there are.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import IO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from common.cells import TableError, clean

# An upload may unpack to this many times its limit; any file to MAX_RATIO times its own size once
# it passes SMALL.
MAX_GROWTH = 10
MAX_RATIO = 100
SMALL = 50 * 1024 * 1024
MAX_PARTS = 5_000
# Cells of the rectangle that are not in the file, at most: per cell that is, and in any case.
EMPTY_PER_CELL = 20
EMPTY_ALWAYS = 200_000
_CHUNK = 1 << 20
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']\$?([A-Za-z]{1,3})\$?([0-9]{1,7})["']""")


def rows_of_xlsx(
    path_or_bytes: str | Path | bytes, max_bytes: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Row number from 1 and the cells of each row as text, blank rows and all.

    Whole numbers come as digits, dates and times in ISO 8601. Raises TableError xlsx_corrupt,
    xlsx_unpacks_too_large, xlsx_too_sparse, xlsx_no_sheet, file_unknown_type.
    """
    with _source(path_or_bytes) as file:
        _look_through(file, max_bytes)
        file.seek(0)
        try:
            sheet = _first_sheet(CalamineWorkbook.from_filelike(file))
        except CalamineError:
            raise TableError("xlsx_corrupt") from None
    for number, cells in enumerate(sheet.iter_rows(), 1):
        yield number, [_text(cell) for cell in cells]


def _source(path_or_bytes: str | Path | bytes) -> IO[bytes]:
    if isinstance(path_or_bytes, bytes):
        return io.BytesIO(path_or_bytes)
    return open(path_or_bytes, "rb")


def _first_sheet(book: CalamineWorkbook) -> CalamineSheet:
    for sheet in book.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return book.get_sheet_by_name(sheet.name)
    raise TableError("xlsx_no_sheet")


def _look_through(file: IO[bytes], max_bytes: int | None) -> None:
    size = file.seek(0, io.SEEK_END)
    most = max(SMALL, size * MAX_RATIO)
    if max_bytes is not None:
        most = min(most, max_bytes * MAX_GROWTH)
    try:
        with zipfile.ZipFile(file) as parts:
            names = set(parts.namelist())
            if "xl/workbook.xml" not in names:
                raise TableError("file_unknown_type")
            if len(parts.infolist()) > MAX_PARTS:
                raise TableError("xlsx_unpacks_too_large")
            for part in parts.infolist():
                most -= _unpack(parts, part, most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
        raise TableError("xlsx_corrupt") from None


def _unpack(parts: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> int:
    """The true size of a part, found by unpacking it once; a worksheet's cells are counted."""
    corners = _Corners() if part.filename.startswith("xl/worksheets/") else None
    # The directory may understate the size: ask for more than is allowed, and count.
    part.file_size = most + 2 * _CHUNK
    size = 0
    rest = b""
    with parts.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise TableError("xlsx_unpacks_too_large")
            if corners is not None:
                cut = chunk.rfind(b">") + 1
                corners.add(rest + chunk[:cut])
                rest = chunk[cut:] if cut else rest + chunk
    if corners is not None and corners.too_sparse():
        raise TableError("xlsx_too_sparse", row=corners.row, column=corners.column.decode())
    return size


@dataclass(slots=True)
class _Corners:
    """How many cells a worksheet has and how far out they lie."""

    count: int = 0
    row: int = 1
    column: bytes = b"A"

    def add(self, xml: bytes) -> None:
        cells = _CELL.findall(xml)
        if not cells:
            return
        self.count += len(cells)
        columns = {column.upper() for column, _ in cells}
        self.column = max(self.column, *columns, key=lambda name: (len(name), name))
        self.row = max(self.row, *(int(row) for row in {row for _, row in cells}))

    def too_sparse(self) -> bool:
        width = 0
        for letter in self.column:
            width = width * 26 + letter - 64
        return width * self.row > max(EMPTY_ALWAYS, self.count * EMPTY_PER_CELL)


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return clean(cell)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        # Fifteen digits are what a spreadsheet keeps and shows.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    return str(cell)
