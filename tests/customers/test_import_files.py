"""One content in every shape people save it in; and the files that are refused as a whole."""

import io

import pytest
import xlsxwriter

from common.cells import TableError
from customers.imports.service import import_customers, import_visits
from customers.models import Customer, Patronage, Phone, Visit
from tests.cast import NOON
from tests.customers.importing import contents

GUESTS = (
    ("客户编号", "姓名", "手机", "生日", "标签", "备注二"),
    ("0012", "王建国𠮷", "13812348899", "1963-08-15", "老客;海鲜", "一"),
    ("C2", "李梅", "021-52345678", "06-21", "", "二"),
)
BILLS = (
    ("消费单号", "客户编号", "消费时间", "金额", "菜品"),
    ("B1", "0012", "2026-06-03 19:30:00", "1280.5", "红烧肉×2;茶"),
    ("B2", "C2", "2026-06-04 00:30:00", "88", ""),
)


def csv_text(rows: tuple, delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(row) for row in rows) + end


def xlsx(rows: tuple) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                page.write_string(number, column, cell)
    return out.getvalue()


SHAPES = {
    "utf-8": lambda rows: csv_text(rows).encode(),
    "utf-8 with a byte order mark": lambda rows: csv_text(rows).encode("utf-8-sig"),
    "gb18030": lambda rows: csv_text(rows).encode("gb18030"),
    "utf-16": lambda rows: csv_text(rows, "\t", "\r\n").encode("utf-16"),
    "windows line ends": lambda rows: csv_text(rows, ",", "\r\n").encode(),
    "xlsx": xlsx,
}


def taken() -> list[tuple]:
    guests = [
        (c.name, c.birth_year, c.birth_month, c.birth_day, sorted(t.word for t in c.tags.all()))
        for c in Customer.objects.order_by("id")
    ]
    phones = list(Phone.objects.order_by("id").values_list("last_four", "number_index"))
    numbers = list(Patronage.objects.order_by("id").values_list("external_id", "visits_total"))
    bills = list(
        Visit.objects.order_by("external_id").values_list(
            "external_id", "visited_at", "amount_fen", "business_date", "dishes"
        )
    )
    return [guests, [(four, bytes(index)) for four, index in phones], numbers, bills]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_brings_the_same(store, shape: str):
    suffix = "xlsx" if shape == "xlsx" else "csv"
    make = SHAPES[shape]
    report = import_customers(store=store, source=make(GUESTS), filename=f"a.{suffix}", actor=None, at=NOON)
    assert (report.counts["created"], report.unknown_columns) == (2, ("备注二",))
    import_visits(store=store, source=make(BILLS), filename=f"b.{suffix}", actor=None, at=NOON)
    guests, phones, numbers, bills = taken()
    assert guests == [("王建国𠮷", 1963, 8, 15, ["海鲜", "老客"]), ("李梅", None, 6, 21, [])]
    assert [four for four, _ in phones] == ["8899", "5678"]
    assert numbers == [("0012", 1), ("C2", 1)]
    assert [(b[0], b[1].isoformat(), b[2], b[3].isoformat()) for b in bills] == [
        ("B1", "2026-06-03T11:30:00+00:00", 128050, "2026-06-03"),
        ("B2", "2026-06-03T16:30:00+00:00", 8800, "2026-06-03"),
    ]
    # Whatever shape comes second finds everything there.
    before = contents()
    for other in SHAPES:
        suffix = "xlsx" if other == "xlsx" else "csv"
        again = import_customers(
            store=store, source=SHAPES[other](GUESTS), filename=f"a.{suffix}", actor=None, at=NOON
        )
        assert again.counts["unchanged"] == 2, other
    assert contents() == before


def test_numbers_and_dates_of_a_spreadsheet_are_what_they_show(store):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for column, cell in enumerate(("客户编号", "姓名", "手机", "生日", "建档日期")):
            page.write(0, column, cell)
        page.write_number(1, 0, 1001)
        page.write_string(1, 1, "王建国")
        page.write_number(1, 2, 13812348899)
        page.write_number(1, 3, 31213, day)  # 15 June 1985
        page.write_number(1, 4, 43835, day)  # 5 January 2020
    import_customers(store=store, source=out.getvalue(), filename="a.xlsx", actor=None, at=NOON)
    patronage = Patronage.objects.select_related("customer").get()
    guest = patronage.customer
    assert (patronage.external_id, patronage.since.isoformat()) == ("1001", "2020-01-05")
    assert (guest.birth_year, guest.birth_month, guest.birth_day) == (1985, 6, 15)
    assert Phone.objects.get().number == "13812348899"


@pytest.mark.parametrize(
    ("content", "filename", "code"),
    [
        (b"", "a.csv", "file_empty"),
        (b"\n\n", "a.csv", "header_missing"),
        ("客户编号,姓名\n".encode(), "a.csv", "no_rows"),
        ("客户编号,姓名\n,\n,\n".encode(), "a.csv", "no_rows"),
        (xlsx((("客户编号", "姓名"),)), "a.xlsx", "no_rows"),
        ("客户编号,姓名\nC1,王\x00\n".encode(), "a.csv", "file_nul"),
        ("客户编号,手机\nC1,1\n".encode(), "a.csv", "columns_missing"),
        ("客户编号,姓名,会员号\nC1,王,2\n".encode(), "a.csv", "header_duplicate"),
        ("C1,王,13812348899\nC2,李,13812348898\n".encode(), "a.csv", "header_missing"),
        ("客户编号,姓名\nC1,王\nC2,李,多一格\n".encode(), "a.csv", "cell_without_header"),
        ('客户编号,姓名\nC1,"王\nC2,李\n'.encode(), "a.csv", "csv_broken"),
        (b"\xff\xd8\xff\xe0" + b"x" * 100, "a.csv", "file_unknown_type"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 100, "a.xls", "file_old_excel"),
        (b"PK\x03\x04" + b"x" * 100, "a.xlsx", "xlsx_corrupt"),
        (b"\x81\xff\x81\xff,\n1,2\n", "a.csv", "file_undecodable"),
    ],
)
def test_a_file_that_is_refused_as_a_whole(store, content: bytes, filename: str, code: str):
    before = contents()
    with pytest.raises(TableError) as refusal:
        import_customers(
            store=store, source=content, filename=filename, actor=None, at=NOON, accept_good_rows=True
        )
    assert refusal.value.code == code
    assert code not in str(refusal.value)
    assert contents() == before


def test_a_phone_that_a_spreadsheet_cut_short_is_a_faulty_row(store):
    source = "客户编号,姓名,手机\nC1,王,1.38E+10\n".encode()
    report = import_customers(store=store, source=source, filename="a.csv", actor=None, at=NOON)
    assert [(e.row, e.column, e.code) for e in report.errors] == [(2, "手机", "phone_scientific")]


def test_rows_are_numbered_as_the_spreadsheet_numbers_them(store):
    source = "\n\n客户编号,姓名\n\nC1,王\n\nC2,\n".encode()
    report = import_customers(store=store, source=source, filename="a.csv", actor=None, at=NOON)
    assert [(e.row, e.code) for e in report.errors] == [(7, "cell_missing")]


def test_the_limit_is_the_callers(store):
    source = ("客户编号,姓名\nC1,王\n" + "C1,王\n" * 300).encode()
    with pytest.raises(TableError) as refusal:
        import_customers(store=store, source=source, filename="a.csv", actor=None, at=NOON, max_bytes=1000)
    assert refusal.value.code == "file_too_large"
    report = import_customers(store=store, source=source, filename="a.csv", actor=None, at=NOON)
    assert (report.counts["created"], report.counts["repeated"]) == (1, 300)
