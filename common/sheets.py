"""The first visible sheet of an XLSX as rows of text, whatever the file tries.

Its parts are unpacked once and counted; then a process of its own, with limits, reads it
(`common.sheet_reader`): two cells in opposite corners ask for half a terabyte, and the library that
reads them ends its process.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from common.cells import TableError, clean
from common.sheet_reader import Exit

# An upload may unpack to this many times its limit; any file to MAX_RATIO times its own size once
# it passes SMALL.
MAX_GROWTH = 10
MAX_RATIO = 100
SMALL = 50 * 1024 * 1024
MAX_PARTS = 5_000
# Address space and processor time for reading: an upload, and a file given on the command line.
UPLOAD_LIMITS = (2 * 1024**3, 60)
COMMAND_LIMITS = (6 * 1024**3, 1800)
_READER = Path(__file__).with_name("sheet_reader.py")
_CHUNK = 1 << 20


def rows_of_xlsx(
    path_or_bytes: str | Path | bytes, max_bytes: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Row number from 1 and the cells of each row as text, blank rows and all.

    Whole numbers come as digits, dates and times in ISO 8601. Raises TableError
    file_unknown_type, xlsx_corrupt, xlsx_unpacks_too_large, xlsx_no_sheet, and possibly after some
    rows xlsx_too_demanding.
    """
    with _source(path_or_bytes) as file:
        _look_through(file, max_bytes)
        file.seek(0)
        memory, seconds = COMMAND_LIMITS if max_bytes is None else UPLOAD_LIMITS
        reader = subprocess.Popen(
            [sys.executable, "-I", str(_READER), str(memory), str(seconds)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # The keys in the environment are no business of a process that may be taken over.
            env={name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
        )
    assert reader.stdout is not None, "the output is piped"
    try:
        with io.TextIOWrapper(reader.stdout, "utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith("\n"):
                    break  # the reader ended in the middle of a row; its exit code says why
                yield number, [clean(cell) for cell in json.loads(line)]
        code = reader.wait()
    finally:
        reader.kill()
        reader.wait()
    if code == Exit.CORRUPT:
        raise TableError("xlsx_corrupt")
    if code == Exit.NO_SHEET:
        raise TableError("xlsx_no_sheet")
    if code != 0:
        raise TableError("xlsx_too_demanding")


def _source(path_or_bytes: str | Path | bytes) -> IO[bytes]:
    """The content as a file with a descriptor, which another process can inherit."""
    if not isinstance(path_or_bytes, bytes):
        return open(path_or_bytes, "rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(path_or_bytes)
    file.flush()
    return file


def _look_through(file: IO[bytes], max_bytes: int | None) -> None:
    size = file.seek(0, io.SEEK_END)
    most = max(SMALL, size * MAX_RATIO)
    if max_bytes is not None:
        most = min(most, max_bytes * MAX_GROWTH)
    try:
        with zipfile.ZipFile(file) as parts:
            if "xl/workbook.xml" not in parts.namelist():
                raise TableError("file_unknown_type")
            if len(parts.infolist()) > MAX_PARTS:
                raise TableError("xlsx_unpacks_too_large")
            for part in parts.infolist():
                most -= _unpacked_size(parts, part, most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
        raise TableError("xlsx_corrupt") from None


def _unpacked_size(parts: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> int:
    # The directory may understate the size: ask for more than is allowed, and count.
    part.file_size = most + 2 * _CHUNK
    size = 0
    with parts.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise TableError("xlsx_unpacks_too_large")
    return size
