"""Cells of people's files: read exactly, or refused with a cause of their own."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.cells import (
    CellError,
    parse_amount,
    parse_count,
    parse_day,
    parse_moment,
    parse_sex,
    parse_yes_no,
    read_cell,
    safe_cell,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("268", 26800),
        ("268.5", 26850),
        ("268.50", 26850),
        ("268.5000", 26850),
        ("0", 0),
        ("-0.00", 0),
        (".5", 50),
        ("5.", 500),
        ("¥1,280.50", 128050),
        ("￥1，280．50", 128050),
        ("999,999.99 元", 99999999),
        ("人民币 100 元整", 10000),
        ("RMB 100", 10000),
        ("CNY100", 10000),
        ("１２８元", 12800),
        ("1.2万", 1200000),
        ("1.23456万元", 1234560),
        ("100万", 100000000),
        ("1000000", 100000000),
    ],
)
def test_amounts(written: str, fen: int) -> None:
    assert parse_amount(written) == fen


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "amount_empty"),
        ("  ", "amount_empty"),
        ("免单", "amount_not_number"),
        ("nan", "amount_not_number"),
        ("inf", "amount_not_number"),
        ("1e3", "amount_not_number"),
        ("1_000", "amount_not_number"),
        ("12.3.4", "amount_not_number"),
        ("(5", "amount_not_number"),
        ("5)", "amount_not_number"),
        ("$5", "amount_not_number"),
        ("٥", "amount_not_number"),
        ("9" * 5000, "amount_not_number"),
        ("12,34", "amount_commas"),
        ("1,2345", "amount_commas"),
        ("-5", "amount_negative"),
        ("－5", "amount_negative"),
        ("−5", "amount_negative"),
        ("¥-5.00", "amount_negative"),
        ("(5.00)", "amount_negative"),
        ("12.345", "amount_too_precise"),
        ("0.001", "amount_too_precise"),
        ("0.0100000000000000000000000000000000000001", "amount_too_precise"),
        ("1.2345678万", "amount_too_precise"),
        ("1000000.01", "amount_too_large"),
        ("101万", "amount_too_large"),
        ("1,234,567.89元", "amount_too_large"),
        ("13812345678", "amount_too_large"),
    ],
)
def test_amounts_refused(written: str, code: str) -> None:
    with pytest.raises(CellError) as refused:
        parse_amount(written)
    assert refused.value.code == code


@given(st.integers(0, 100_000_000))
def test_every_amount_of_two_decimals_is_read_to_the_fen(fen: int) -> None:
    yuan = Decimal(fen) / 100
    for written in (str(yuan), f"¥{yuan:,.2f}", f"{yuan:.4f}元", f"{yuan / 10000:f}万"):
        assert parse_amount(written) == fen


@given(st.text(max_size=30) | st.text(alphabet="0123456789,.-¥万元()e ", max_size=14))
def test_any_text_is_an_amount_or_refused(written: str) -> None:
    try:
        fen = parse_amount(written)
    except CellError:
        return
    assert 0 <= fen <= 100_000_000


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-06-03T19:30:00", "2026-06-03T19:30:00+08:00"),
        ("2026-06-03 19:30", "2026-06-03T19:30:00+08:00"),
        ("2026/6/3 19:30", "2026-06-03T19:30:00+08:00"),
        ("2026/6/3 9:05:07", "2026-06-03T09:05:07+08:00"),
        ("２０２６／６／３　１９：３０", "2026-06-03T19:30:00+08:00"),
        ("2026年6月3日 19:30", "2026-06-03T19:30:00+08:00"),
        ("2026年6月3日19时30分", "2026-06-03T19:30:00+08:00"),
        ("2026年6月3日19时30分15秒", "2026-06-03T19:30:15+08:00"),
        ("2026-06-03 下午7:30", "2026-06-03T19:30:00+08:00"),
        ("2026/6/3 下午 12:05", "2026-06-03T12:05:00+08:00"),
        ("2026/6/3 上午12:05", "2026-06-03T00:05:00+08:00"),
        ("2026/6/3 7:30 PM", "2026-06-03T19:30:00+08:00"),
        ("20260603193000", "2026-06-03T19:30:00+08:00"),
        ("20260603T193000", "2026-06-03T19:30:00+08:00"),
        ("2026-06-03T19:30:00Z", "2026-06-03T19:30:00+00:00"),
        ("2026-06-03T19:30:00.123456+08:00", "2026-06-03T19:30:00.123456+08:00"),
        ("2026-06-03T19:30:00-0500", "2026-06-03T19:30:00-05:00"),
        ("2026-06-03T01:30+14:00", "2026-06-03T01:30:00+14:00"),
        ("2026-06-03", "2026-06-03T12:00:00+08:00"),
        ("2026年6月3日", "2026-06-03T12:00:00+08:00"),
        ("20260603", "2026-06-03T12:00:00+08:00"),
        (datetime(2026, 6, 3, 19, 30), "2026-06-03T19:30:00+08:00"),
        (datetime(2026, 6, 3, 19, 30, tzinfo=UTC), "2026-06-03T19:30:00+00:00"),
        (date(2026, 6, 3), "2026-06-03T12:00:00+08:00"),
        ("1988-07-01 00:00", "1988-07-01T00:00:00+09:00"),
    ],
)
def test_moments(written: str | date, moment: str) -> None:
    assert parse_moment(written, SHANGHAI).isoformat() == moment


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "moment_empty"),
        ("昨天", "moment_unreadable"),
        ("2026-06-03 19:", "moment_unreadable"),
        ("2026-06-0319:30", "moment_unreadable"),
        ("2026-06-03T", "moment_unreadable"),
        ("2026-06-03+08:00", "moment_unreadable"),
        ("03/06/2026", "moment_unreadable"),
        ("2026-W23-3", "moment_unreadable"),
        ("2026-06-03 上午7:30 PM", "moment_unreadable"),
        ("1767225600", "moment_unreadable"),
        ("46176.8125", "moment_serial"),
        ("46176", "moment_serial"),
        ("2026-02-30 19:30", "moment_no_such_time"),
        ("2026-06-03 24:00", "moment_no_such_time"),
        ("2026-06-03 下午13:30", "moment_no_such_time"),
        ("2026-06-03 19:60", "moment_no_such_time"),
        ("2026-06-03T19:30+15:00", "moment_no_such_time"),
        ("1926-06-03 19:30", "moment_out_of_range"),
        ("2206-06-03 19:30", "moment_out_of_range"),
    ],
)
def test_moments_refused(written: str, code: str) -> None:
    with pytest.raises(CellError) as refused:
        parse_moment(written, SHANGHAI)
    assert refused.value.code == code


@given(st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1), timezones=st.just(SHANGHAI)))
def test_every_iso_moment_reads_back(moment: datetime) -> None:
    assert parse_moment(moment.isoformat(), UTC) == moment


def test_days_put_the_time_aside() -> None:
    assert parse_day("2026/6/3") == date(2026, 6, 3)
    assert parse_day("2026-06-03T23:59:00+08:00") == date(2026, 6, 3)
    assert parse_day(date(2026, 6, 3)) == date(2026, 6, 3)


def test_counts() -> None:
    assert [parse_count(text, most=99) for text in ("4", "4.0", "４人", "4 位", "0")] == [
        4,
        4,
        4,
        4,
        0,
    ]
    for text, code in (
        ("", "count_not_number"),
        ("4.5", "count_not_number"),
        ("-1", "count_not_number"),
        ("100", "count_too_large"),
    ):
        with pytest.raises(CellError) as refused:
            parse_count(text, most=99)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("value", "spellings"),
    [
        (True, "是 有 Yes y TRUE 1 已婚 同意 √ ｙｅｓ"),
        (False, "否 无 No n FALSE 0 未婚 离异 不同意 拒绝 × ０"),
        (None, "未知 不详 - N/A"),
    ],
)
def test_yes_no(value: bool | None, spellings: str) -> None:
    assert {parse_yes_no(spelling) for spelling in spellings.split()} == {value}
    assert parse_yes_no(" ") is None


@pytest.mark.parametrize(
    ("value", "spellings"),
    [("m", "男 男士 先生 M Male ♂"), ("f", "女 女士 小姐 F female ♀"), ("", "未知 保密")],
)
def test_sex(value: str, spellings: str) -> None:
    assert {parse_sex(spelling) for spelling in spellings.split()} == {value}
    assert parse_sex("") == ""


@pytest.mark.parametrize(
    ("cleaner", "written", "code"),
    [
        (parse_yes_no, "也许", "yes_no_unreadable"),
        (parse_yes_no, "2", "yes_no_unreadable"),
        (parse_sex, "1", "sex_unreadable"),
        (parse_sex, "男女", "sex_unreadable"),
    ],
)
def test_words_refused(cleaner: object, written: str, code: str) -> None:
    with pytest.raises(CellError) as refused:
        cleaner(written)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "formula",
    [
        "=1+1",
        "+86 138",
        "-2+3",
        "@SUM(A1)",
        "＝1+1",
        "＋1",
        "－1+1",
        "＠a",
        "\t=1",
        "\r=1",
        "\n1",
        " =1",
        "'=1",
        '"=1',
        "\u3000=1",
    ],
)
def test_a_formula_is_marked_as_text_and_reads_back(formula: str) -> None:
    assert safe_cell(formula) == f"'{formula}"
    assert read_cell(safe_cell(formula)) == formula


@pytest.mark.parametrize("text", ["", "王总", "-12.50", "13812345678", "a=b", "O'Brien", "'", "2026-06-03"])
def test_other_text_is_left_alone(text: str) -> None:
    assert safe_cell(text) == text
    assert read_cell(text) == text


@given(st.text(alphabet="=+-@＝'\" \t\r\n1a\u3000", max_size=8) | st.text(max_size=12))
def test_marking_never_changes_what_is_read_and_nothing_starts_a_formula(text: str) -> None:
    marked = safe_cell(text)
    assert read_cell(marked) == text
    start = marked.lstrip(' "\u3000')[:1]
    assert start not in {"=", "+", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}
    if start == "-":
        float(marked)
