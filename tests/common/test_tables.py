"""People's files: the same rows from every encoding and shape; a bad file refused with its cause."""

import io
import os
import signal
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

import common
from common.cells import TableError
from common.tables import Column, map_headers, read_table

ROOT = Path(common.__file__).parent.parent

TEXT = "客户编号,姓名,手机\nC1,王建国,13812348899\nC2,李梅,\n"
ROWS = [
    (2, {"客户编号": "C1", "姓名": "王建国", "手机": "13812348899"}),
    (3, {"客户编号": "C2", "姓名": "李梅", "手机": ""}),
]


def sheet(fill: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory)
    fill(book)
    book.close()
    return memory.getvalue()


def simple_sheet() -> bytes:
    def fill(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet()
        for number, line in enumerate(TEXT.splitlines()):
            for column, cell in enumerate(line.split(",")):
                if number and column == 2 and cell:
                    page.write_number(number, column, float(cell))
                else:
                    page.write_string(number, column, cell)

    return sheet(fill)


def refused(content: bytes, name: str = "guests.csv", max_bytes: int | None = None) -> TableError:
    with pytest.raises(TableError) as caught:
        list(read_table(content, name, max_bytes).rows)
    return caught.value


@pytest.mark.parametrize(
    ("case", "content"),
    [
        ("UTF-8", TEXT.encode()),
        ("UTF-8 with BOM", TEXT.encode("utf-8-sig")),
        ("GB18030", TEXT.encode("gb18030")),
        ("UTF-16, little end first, with BOM", TEXT.encode("utf-16")),
        ("UTF-16, big end first, with BOM", b"\xfe\xff" + TEXT.encode("utf-16-be")),
        ("semicolons", TEXT.replace(",", ";").encode()),
        ("tabs", TEXT.replace(",", "\t").encode()),
        ("a spreadsheet's text file: UTF-16 and tabs", TEXT.replace(",", "\t").encode("utf-16")),
        ("line ends of Windows", TEXT.replace("\n", "\r\n").encode()),
        ("line ends of old Macs", TEXT.replace("\n", "\r").encode()),
        ("no line end at the end", TEXT.rstrip("\n").encode()),
        ("quoted cells", TEXT.replace("王建国", '"王建国"').replace("姓名", '"姓名"').encode()),
        ("spaces around, wide ones too", TEXT.replace("王建国", " 王建国\u3000").encode()),
        ("empty cells at the end of rows", TEXT.replace("\n", ",,\n").encode()),
        ("a short row", TEXT.replace("李梅,", "李梅").encode()),
        ("a text mark", TEXT.replace("13812348899", "'13812348899").replace("'", "").encode()),
        ("XLSX", simple_sheet()),
    ],
)
def test_the_same_rows_from_every_shape(case: str, content: bytes, tmp_path: Path) -> None:
    table = read_table(content, "guests.xlsx" if case == "XLSX" else "guests.csv")
    assert table.headers == ("客户编号", "姓名", "手机"), case
    assert list(table.rows) == ROWS, case

    path = tmp_path / "guests"
    path.write_bytes(content)
    assert list(read_table(path, "guests.csv").rows) == ROWS, f"{case}, from a path"


def test_row_numbers_are_those_of_a_spreadsheet() -> None:
    content = b'\n\nid,note\n1,"two\nlines"\n\n2,x\n'
    table = read_table(content, "a.csv")
    assert list(table.rows) == [
        (4, {"id": "1", "note": "two\nlines"}),
        (6, {"id": "2", "note": "x"}),
    ]


def test_a_first_line_may_name_the_separator() -> None:
    table = read_table(b"sep=;\nid;note\n1;a,b\n", "a.csv")
    assert table.headers == ("id", "note")
    assert list(table.rows) == [(3, {"id": "1", "note": "a,b"})]


def test_a_quoted_separator_does_not_decide() -> None:
    table = read_table(b'"a,b,c,d";note\n1;2\n', "a.csv")
    assert table.headers == ("a,b,c,d", "note")


def test_a_cell_marked_by_an_export_reads_as_it_was() -> None:
    table = read_table(b"id,note\n1,'=1+1\n2,O'Brien\n", "a.csv")
    assert [row["note"] for _, row in table.rows] == ["=1+1", "O'Brien"]


def test_a_column_without_a_header_may_be_empty_and_nothing_else() -> None:
    assert [row for _, row in read_table(b"id,,note\n1,,a\n", "a.csv").rows] == [{"id": "1", "note": "a"}]
    error = refused(b"id,,note\n1,,a\n2,x,b\n")
    assert (error.code, error.params["row"]) == ("cell_without_header", 3)


@pytest.mark.parametrize(
    ("case", "content", "name", "code"),
    [
        ("nothing", b"", "a.csv", "file_empty"),
        ("blank lines only", b"\n \n,,\n", "a.csv", "header_missing"),
        ("only a BOM", b"\xef\xbb\xbf", "a.csv", "header_missing"),
        ("no header, data at once", "C1,王建国,13812348899\n".encode(), "a.csv", "header_missing"),
        ("no header, figures at once", b"1,2,x\n", "a.csv", "header_missing"),
        ("a NUL byte", b"id,note\n1,a\x00b\n", "a.csv", "file_nul"),
        ("UTF-16 without BOM", "id,note\n1,2\n".encode("utf-16-le"), "a.csv", "file_nul"),
        ("NUL in UTF-16", "id,note\n1,a\0b\n".encode("utf-16"), "a.csv", "file_nul"),
        ("UTF-32", TEXT.encode("utf-32"), "a.csv", "file_undecodable"),
        ("neither UTF-8 nor GB18030", b"id,note\n1,\xff\xff\n", "a.csv", "file_undecodable"),
        ("UTF-16 cut in the middle", TEXT.encode("utf-16")[:-1], "a.csv", "file_undecodable"),
        (
            "UTF-8 cut in the middle",
            ("姓名,备注\n" + "王建国,常客\n" * 9).encode()[:-2],
            "a.csv",
            "file_undecodable",
        ),
        ("PDF", b"%PDF-1.7 ...", "a.csv", "file_unknown_type"),
        ("a picture", b"\x89PNG\r\n", "guests.csv", "file_unknown_type"),
        ("a text with the name of a program", TEXT.encode(), "a.exe", "file_unknown_type"),
        ("JSON", b'[{"id": 1}]', "a.csv", "file_unknown_type"),
        (
            "old Excel, or with a password",
            b"\xd0\xcf\x11\xe0" + bytes(600),
            "a.xls",
            "file_old_excel",
        ),
        ("a web page", b"\n<html><table>", "a.xls", "file_web_page"),
        ("a column twice", b"id,note, ID \n1,2,3\n", "a.csv", "header_duplicate"),
        ("201 columns", ",".join(f"c{n}" for n in range(201)).encode(), "a.csv", "header_too_many"),
        ("more cells than headers", b"id,note\n1,a\n2,b,c\n", "a.csv", "cell_without_header"),
        ("an open quote", b'id,note\n1,"a\n2,b\n', "a.csv", "csv_broken"),
        ("text behind a quote", b'id,note\n1,"a"b\n', "a.csv", "csv_broken"),
        ("a cell of 200,000 characters", b"id,note\n1," + b"x" * 200_000, "a.csv", "csv_broken"),
        ("a line of a million", b"id,note\n" + b"1," * 600_000, "a.csv", "csv_line_too_long"),
        ("XLSX cut in the middle", simple_sheet()[:2000], "a.xlsx", "xlsx_corrupt"),
        ("XLSX without its end", simple_sheet()[:-300], "a.xlsx", "xlsx_corrupt"),
    ],
)
def test_a_bad_file_is_refused_with_its_cause(case: str, content: bytes, name: str, code: str) -> None:
    error = refused(content, name)
    assert error.code == code, case
    assert str(error) not in {"", code} and "%" not in str(error), case


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("file_nul", b"id,note\n1,a\n2,\x00\n"),
        ("file_undecodable", b"id,note\n1,a\n2,\xff\xff\n"),
        ("cell_without_header", b"id,note\n1,a\n2,b,c\n"),
        ("csv_broken", b'id,note\n1,a\n2,"b"c\n'),
    ],
)
def test_the_row_at_fault_is_named(code: str, content: bytes) -> None:
    error = refused(content)
    assert (error.code, error.params["row"]) == (code, 3)


def test_a_damaged_utf8_file_is_not_taken_for_gb18030() -> None:
    good = "姓名,备注\n李梅,常客\n李梅梅梅,喜欢靠窗窗\n".encode()
    damaged = good[:-2] + good[-1:]
    assert "濮撳悕" in damaged.decode("gb18030"), "the case is one that GB18030 would read, as nonsense"
    error = refused(damaged)
    assert (error.code, error.params["row"]) == ("file_undecodable", 3)


def test_the_size_limit_is_the_callers() -> None:
    content = TEXT.encode()
    assert refused(content, max_bytes=len(content) - 1).code == "file_too_large"
    assert list(read_table(content, "a.csv", max_bytes=len(content)).rows) == ROWS


def test_a_large_csv_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="gb18030") as file:
        file.write("客户编号,姓名,备注\n")
        for number in range(20_000):
            file.write(f"C{number},王建国,{'常客喜欢靠窗的位置' * 40}\n")
    assert path.stat().st_size > 14_000_000
    tracemalloc.start()
    try:
        last = None
        for last in read_table(path, "large.csv").rows:  # noqa: B007
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert last is not None and last[0] == 20_001
    assert peak < 8_000_000


def test_the_cells_of_a_sheet_lose_nothing() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        hidden = book.add_worksheet("隐藏")
        page = book.add_worksheet("名单")
        hidden.hide()
        page.activate()
        page.set_first_sheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        clock = book.add_format({"num_format": "hh:mm"})
        # Two blank rows and a blank column before the headers.
        page.write_row(2, 1, ["手机", "金额", "生日", "时间", "几点", "同意", "编号", "备注"])
        page.write_number(3, 1, 13812345678)
        page.write_number(3, 2, 0.1 + 0.2)
        page.write_datetime(3, 3, date(1985, 6, 3), day)
        page.write_datetime(3, 4, datetime(2026, 6, 3, 19, 30), moment)
        page.write_datetime(3, 5, time(19, 30), clock)
        page.write_boolean(3, 6, True)
        page.write_string(3, 7, "007")
        page.write_string(3, 8, " 两\n行 ")
        page.write_number(5, 1, 1.38e20)
        page.write_formula(5, 2, "=1/0", None, "#DIV/0!")

    table = read_table(sheet(fill), "guests.xlsx")
    assert list(table.rows) == [
        (
            4,
            {
                "手机": "13812345678", "金额": "0.3", "生日": "1985-06-03", "时间": "2026-06-03T19:30:00",
                "几点": "19:30:00", "同意": "TRUE", "编号": "007", "备注": "两\n行",
            },
        ),
        (
            6,
            {
                "手机": "1.38e+20", "金额": "", "生日": "", "时间": "", "几点": "", "同意": "", "编号": "",
                "备注": "",
            },
        ),
    ]  # fmt: skip


def test_a_sheet_is_known_by_its_content_not_its_name() -> None:
    assert list(read_table(simple_sheet(), "guests.csv").rows) == ROWS
    assert list(read_table(TEXT.encode(), "guests.xls").rows) == ROWS


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as parts:
        parts.writestr("word/document.xml", "<w/>")
    assert refused(memory.getvalue(), "a.docx").code == "file_unknown_type"


def test_a_workbook_of_hidden_sheets_is_refused() -> None:
    parts = rebuilt(
        simple_sheet(),
        {"xl/workbook.xml": lambda xml: xml.replace(b"<sheet ", b'<sheet state="hidden" ')},
    )
    assert refused(parts, "a.xlsx").code == "xlsx_no_sheet"


def rebuilt(workbook: bytes, changes: dict[str, Callable[[bytes], bytes]]) -> bytes:
    memory = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            new.writestr(part.filename, changes.get(part.filename, bytes)(old.read(part)))
    return memory.getvalue()


def test_two_cells_in_opposite_corners_do_not_end_the_process() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet()
        page.write(0, 0, "姓名")
        page.write(1_048_575, 16_383, "x")

    content = sheet(fill)
    assert refused(content, "a.xlsx").code == "xlsx_too_demanding"
    assert refused(content, "a.xlsx", max_bytes=len(content)).code == "xlsx_too_demanding"


def test_the_process_that_reads_is_ended_when_its_time_is_up() -> None:
    script = "from common.sheet_reader import limit\nlimit(1 << 31, 1)\nwhile True: pass"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30, check=False)
    assert -ended.returncode in {signal.SIGXCPU, signal.SIGKILL}


def test_a_walk_that_stops_early_leaves_no_process(tmp_path: Path) -> None:
    table = read_table(simple_sheet(), "a.xlsx")
    next(table.rows)
    table.rows.close()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    assert not children.exists() or "sheet_reader" not in "".join(
        Path(f"/proc/{pid}/cmdline").read_text() for pid in children.read_text().split()
    )


def test_a_sheet_that_unpacks_to_gigabytes_is_refused_by_counting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("common.sheets.SMALL", 5_000_000)
    bomb = rebuilt(simple_sheet(), {"xl/worksheets/sheet1.xml": lambda xml: xml + b" " * 6_000_000})
    assert len(bomb) < 20_000
    assert refused(bomb, "a.xlsx").code == "xlsx_unpacks_too_large"
    modest = rebuilt(simple_sheet(), {"xl/worksheets/sheet1.xml": lambda xml: xml + b" " * 2_000_000})
    assert refused(modest, "a.xlsx", max_bytes=100_000).code == "xlsx_unpacks_too_large"
    # The directory of the archive may lie about the size: what counts is what comes out.
    with zipfile.ZipFile(io.BytesIO(bomb)) as parts:
        true_size = parts.getinfo("xl/worksheets/sheet1.xml").file_size
    lying = bomb.replace(true_size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != bomb
    assert refused(lying, "a.xlsx").code == "xlsx_unpacks_too_large"


def test_entities_are_not_expanded() -> None:
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'

    def name(xml: bytes) -> bytes:
        return entity + xml.split(b"?>", 1)[1].replace("王建国".encode(), b"&b;")

    content = rebuilt(simple_sheet(), {"xl/sharedStrings.xml": name})
    try:
        cells = [row["姓名"] for _, row in read_table(content, "a.xlsx").rows]
    except TableError as error:
        assert error.code == "xlsx_corrupt"
    else:
        assert "aaaa" not in "".join(cells)


@settings(max_examples=30)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=6))
def test_a_damaged_workbook_is_read_or_refused_and_nothing_else(place: int, junk: bytes) -> None:
    content = bytearray(simple_sheet())
    place %= len(content)
    content[place : place + len(junk)] = junk
    try:
        list(read_table(bytes(content), "a.xlsx").rows)
    except TableError as error:
        assert str(error) not in {"", error.code}


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        table = read_table(content, "a.csv")
        for _, row in table.rows:
            assert tuple(row) == table.headers
    except TableError:
        return


SPEC = [
    Column("external_id", ("客户编号",), required=True),
    Column("customer_phone", ("手机", "手机号"), required=True),
    Column("amount", ("金额",)),
    Column("name", ("姓名",), required=True),
]


def test_headers_are_matched_blind_to_case_space_and_width() -> None:
    found = map_headers(["ＥＸＴＥＲＮＡＬ_ID", "Customer Phone *", "金额（元）", "星座"], SPEC)
    assert found.fields == {
        "ＥＸＴＥＲＮＡＬ_ID": "external_id",
        "Customer Phone *": "customer_phone",
        "金额（元）": "amount",
    }
    assert found.unknown == ("星座",)
    assert found.missing == ("name",)


def test_two_headers_for_one_field_are_refused() -> None:
    with pytest.raises(TableError) as caught:
        map_headers(["手机", "姓名", "手机号"], SPEC)
    assert (caught.value.code, caught.value.params["column"]) == ("header_duplicate", "手机号")
