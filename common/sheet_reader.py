"""A process of its own that reads the XLSX on its standard input; `common.sheets` starts it.

It writes one JSON list of texts a row. The library that unpacks the file lays a sheet out as a full
rectangle in memory and ends the process when that fails, so this one has limits and nothing to lose:
no settings, no keys, no database.

Arguments: bytes of address space, seconds of processor time. Exit codes: 0, or those of `Exit`.
"""

import io
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from enum import IntEnum

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum


class Exit(IntEnum):
    """Why no rows, or not all of them, were written. Any other code: the limits were reached."""

    CORRUPT = 3
    NO_SHEET = 4


def text_of(cell: object) -> str:
    """A typed cell as text: whole numbers as digits, dates and times in ISO 8601."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        # Fifteen digits are what a spreadsheet keeps and shows.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    return str(cell)


def rows(content: bytes) -> Iterator[list[str]]:
    """The rows of the first visible sheet, blank ones too. Raises CalamineError, LookupError."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    for sheet in book.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            for row in book.get_sheet_by_name(sheet.name).iter_rows():
                yield [text_of(cell) for cell in row]
            return
    raise LookupError("no visible sheet")


def limit(memory: int, seconds: int) -> None:
    """Bind this process. A system without such limits reads without them."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ImportError, ValueError, OSError):
        return


def main() -> int:
    limit(int(sys.argv[1]), int(sys.argv[2]))
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="\n", write_through=False)
    try:
        for row in rows(sys.stdin.buffer.read()):
            out.write(json.dumps(row, ensure_ascii=False))
            out.write("\n")
        out.flush()
    except CalamineError:
        return Exit.CORRUPT
    except LookupError:
        return Exit.NO_SHEET
    except BaseException as error:
        # A panic of the library: the file is not what it says. Not an Exception, and has no name
        # that could be imported.
        if type(error).__name__ == "PanicException":
            return Exit.CORRUPT
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
