"""Rows of people's files as typed rows: what each cell says, and what is wrong with it.

Nothing here knows the database: whether a guest, an owner or a bill exists is asked elsewhere. A blank cell, like
a column that is not there, means "not said".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

from common.birthdays import Birthday, parse_birthday, parse_calendar
from common.cells import (
    CellError,
    TableError,
    parse_amount,
    parse_count,
    parse_day,
    parse_moment,
    parse_sex,
    parse_yes_no,
    plain,
    shorten,
)
from common.phones import normalise_phone
from common.tables import Column, HeaderMap, Table, map_headers
from customers.ratings import parse_distance, parse_rating

CUSTOMER_COLUMNS = (
    Column("external_id", ("客户编号", "会员编号", "会员号")),
    Column("name", ("姓名", "客户姓名"), required=True),
    Column("phone", ("手机", "手机号", "手机号码")),
    Column("sex", ("性别",)),
    Column("birthday", ("生日", "出生日期", "出生年月日")),
    Column("birthday_calendar", ("历法", "生日历法")),
    Column("address", ("地址", "住址")),
    Column("industry", ("行业",)),
    Column("employer", ("单位", "工作单位", "公司")),
    Column("position", ("职位", "职务")),
    Column("married", ("婚否", "婚姻状况")),
    Column("credit", ("消费信誉", "信誉")),
    Column("influence", ("影响力",)),
    Column("distance_km", ("距离", "离店公里数", "距离公里")),
    Column("needs", ("要准备", "需要准备")),
    Column("preferred_channel", ("首选联系方式", "联系方式")),
    Column("tags", ("标签",)),
    Column("owner", ("负责人",)),
    Column("consent_sms", ("短信同意", "同意短信")),
    Column("introduced_by", ("介绍人",)),
    Column("created_on", ("建档日期",)),
)
VISIT_COLUMNS = (
    Column("external_id", ("消费单号", "单号", "账单号")),
    Column("customer_external_id", ("客户编号", "会员编号", "会员号")),
    Column("customer_phone", ("手机", "手机号", "手机号码", "phone")),
    Column("visited_at", ("消费时间",), required=True),
    Column("amount", ("金额", "消费金额"), required=True),
    Column("party_size", ("人数", "用餐人数")),
    Column("table", ("台号", "桌号")),
    Column("occasion", ("消费形式",)),
    Column("channel", ("渠道",)),
    Column("dishes", ("菜品",)),
    Column("coupon", ("用券", "优惠券")),
    Column("note", ("备注",)),
)
# Of each pair a file needs at least one.
CUSTOMER_EITHER = ("external_id", "phone")
VISIT_EITHER = ("customer_external_id", "customer_phone")
# The column of a file of refused rows, so that the mended file can be brought again.
REASON_HEADERS = ("原因", "Reason")

OCCASIONS = {
    "business": "商务",
    "hosting": "宴请",
    "friends": "朋友聚餐",
    "family": "家人聚会",
    "birthday": "生日",
    "anniversary": "纪念日",
    "festival": "节日",
    "other": "其他",
}
NEEDS = {"child_seat": "儿童椅", "wheelchair": "轮椅", "elderly": "有老人"}
PREFERRED = {
    "phone": "电话",
    "sms": "短信",
    "wechat": "微信",
    "email": "邮件",
    "card": "贺卡",
    "visit": "上门",
}
CHANNELS = {"dine_in": "堂食", "takeaway": "外带", "delivery": "外卖", "online": "线上"}

AHEAD_AT_MOST = timedelta(days=1)
PARTY_AT_MOST = 2000
DISHES_AT_MOST = 300
TAGS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class RowError:
    """One fault of one row: `column` is the header as the file writes it, `code` names the sentence."""

    row: int
    column: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A guest as a row says it; empty texts and None are "not said". `phone` is canonical."""

    row: int = field(compare=False)
    external_id: str = ""
    name: str = ""
    phone: str = ""
    sex: str = ""
    birthday: Birthday | None = None
    address: str = ""
    industry: str = ""
    employer: str = ""
    position: str = ""
    married: bool | None = None
    credit: int | None = None
    influence: int | None = None
    distance_km: Decimal | None = None
    needs: tuple[str, ...] = ()
    preferred_channel: str = ""
    tags: tuple[str, ...] = ()
    owner: str = ""
    consent_sms: bool | None = None
    introduced_by: str = ""
    introduced_by_phone: str = ""
    created_on: date | None = None


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A bill as a row says it. `visited_at` is aware, `amount_fen` integer fen."""

    row: int = field(compare=False)
    visited_at: datetime
    amount_fen: int
    external_id: str = ""
    customer_external_id: str = ""
    customer_phone: str = ""
    party_size: int | None = None
    table: str = ""
    occasion: str = ""
    channel: str = ""
    dishes: tuple[tuple[str, int | float], ...] = ()
    coupon: bool | None = None
    note: str = ""


def customer_headers(table: Table) -> HeaderMap:
    """Which header is which field of a guest. Raises TableError columns_missing, header_duplicate."""
    return _headers(table, CUSTOMER_COLUMNS, CUSTOMER_EITHER)


def visit_headers(table: Table) -> HeaderMap:
    """Which header is which field of a bill. Raises TableError columns_missing, header_duplicate."""
    return _headers(table, VISIT_COLUMNS, VISIT_EITHER)


def _headers(table: Table, columns: tuple[Column, ...], either: tuple[str, str]) -> HeaderMap:
    found = map_headers(table.headers, columns)
    shown = {column.field: f"{column.field} {column.aliases[0]}" for column in columns}
    missing = [shown[name] for name in found.missing]
    if not set(either) & set(found.fields.values()):
        missing.append(" / ".join(shown[name] for name in either))
    if missing:
        raise TableError("columns_missing", columns=", ".join(missing))
    unknown = tuple(header for header in found.unknown if header not in REASON_HEADERS)
    return HeaderMap(found.fields, unknown, ())


def customer_rows(
    table: Table, headers: HeaderMap, *, today: date
) -> Iterator[tuple[CustomerRow, list[RowError]]]:
    """Each row with its faults. A faulty row still carries its number and phone, if these can be read."""
    for cells in _walk(table, headers):
        yield _customer(cells, today), cells.faults


def visit_rows(
    table: Table, headers: HeaderMap, *, zone: tzinfo, at: datetime
) -> Iterator[tuple[VisitRow | None, list[RowError]]]:
    """Each row with its faults, None for a faulty one. A time without an offset is `zone`'s."""
    for cells in _walk(table, headers):
        row = _visit(cells, zone, at)
        yield (None if cells.faults else row), cells.faults


_Value = TypeVar("_Value")


class _Cells:
    """The cells of one row by field, and the faults found so far."""

    __slots__ = ("faults", "headers", "number", "texts")

    def __init__(self, number: int, texts: dict[str, str], headers: Mapping[str, str]) -> None:
        self.number = number
        self.texts = texts
        self.headers = headers
        self.faults: list[RowError] = []

    def fault(self, column: str, code: str, **params: Any) -> None:
        self.faults.append(RowError(self.number, self.headers.get(column, column), code, params))

    def take(self, column: str, clean: Callable[[str], _Value], blank: _Value) -> _Value:
        """The cleaned cell; `blank` where it is empty, not there, or at fault."""
        text = self.texts.get(column)
        if not text:
            return blank
        try:
            return clean(text)
        except CellError as error:
            self.fault(column, error.code, **error.params)
            return blank

    def require(self, column: str) -> None:
        if not self.texts.get(column):
            self.fault(column, "cell_missing")


def _walk(table: Table, headers: HeaderMap) -> Iterator[_Cells]:
    pairs = list(headers.fields.items())
    named = {column: header for header, column in pairs}
    for number, cells in table.rows:
        yield _Cells(number, {column: cells[header] for header, column in pairs}, named)


def _customer(cells: _Cells, today: date) -> CustomerRow:
    cells.require("name")
    if not cells.texts.get("external_id") and not cells.texts.get("phone"):
        column = "external_id" if "external_id" in cells.headers else "phone"
        cells.fault(column, "who_missing")
    introduced_by = cells.take("introduced_by", _line(64), "")
    return CustomerRow(
        row=cells.number,
        external_id=cells.take("external_id", _number, ""),
        name=cells.take("name", _line(80), ""),
        phone=cells.take("phone", normalise_phone, ""),
        sex=cells.take("sex", parse_sex, ""),
        birthday=_birthday(cells, today),
        address=cells.take("address", _line(200), ""),
        industry=cells.take("industry", _line(60), ""),
        employer=cells.take("employer", _line(80), ""),
        position=cells.take("position", _line(60), ""),
        married=cells.take("married", parse_yes_no, None),
        credit=cells.take("credit", parse_rating, None),
        influence=cells.take("influence", parse_rating, None),
        distance_km=cells.take("distance_km", parse_distance, None),
        needs=cells.take("needs", _needs, ()),
        preferred_channel=cells.take("preferred_channel", lambda text: _choice(text, PREFERRED), ""),
        tags=cells.take("tags", _tags, ()),
        owner=cells.take("owner", _line(150), ""),
        consent_sms=cells.take("consent_sms", parse_yes_no, None),
        introduced_by=introduced_by,
        introduced_by_phone=_phone_if_any(introduced_by),
        created_on=cells.take("created_on", lambda text: _past_day(text, today), None),
    )


def _birthday(cells: _Cells, today: date) -> Birthday | None:
    before = len(cells.faults)
    calendar = cells.take("birthday_calendar", parse_calendar, None)
    if len(cells.faults) > before:
        return None
    return cells.take("birthday", lambda text: parse_birthday(text, calendar, today=today), None)


def _visit(cells: _Cells, zone: tzinfo, at: datetime) -> VisitRow | None:
    cells.require("visited_at")
    cells.require("amount")
    if not any(cells.texts.get(column) for column in VISIT_EITHER):
        column = next(name for name in VISIT_EITHER if name in cells.headers)
        cells.fault(column, "who_missing")
    visited_at = cells.take("visited_at", lambda text: parse_moment(text, zone), None)
    if visited_at is not None and visited_at > at + AHEAD_AT_MOST:
        cells.fault("visited_at", "visit_too_far_ahead")
    amount = cells.take("amount", parse_amount, None)
    row = VisitRow(
        row=cells.number,
        visited_at=visited_at or at,
        amount_fen=amount or 0,
        external_id=cells.take("external_id", _number, ""),
        customer_external_id=cells.take("customer_external_id", _number, ""),
        customer_phone=cells.take("customer_phone", normalise_phone, ""),
        # Nobody at the table is how tills write that nobody counted.
        party_size=cells.take("party_size", lambda text: parse_count(text, most=PARTY_AT_MOST), None) or None,
        table=cells.take("table", _line(20), ""),
        occasion=cells.take("occasion", lambda text: _choice(text, OCCASIONS), ""),
        channel=cells.take("channel", lambda text: _choice(text, CHANNELS), ""),
        dishes=cells.take("dishes", parse_dishes, ()),
        coupon=cells.take("coupon", parse_yes_no, None),
        note=cells.take("note", _text(1000), ""),
    )
    return None if cells.faults else row


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+[0-9]{1,3}")


def _text(most: int) -> Callable[[str], str]:
    def clean(text: str) -> str:
        if _CONTROL.search(text):
            raise CellError("text_control")
        if len(text) > most:
            raise CellError("text_too_long", most=most)
        return text

    return clean


def _line(most: int) -> Callable[[str], str]:
    whole = _text(most)
    return lambda text: whole(" ".join(text.split()) if not text.isalnum() else text)


def _number(text: str) -> str:
    """A guest's or bill's number as other programs write it: any text, but not what a spreadsheet cut short."""
    if _SCIENTIFIC.fullmatch(text):
        raise CellError("number_scientific", text=shorten(text))
    return _line(64)(text)


def _phone_if_any(text: str) -> str:
    try:
        return normalise_phone(text) if text else ""
    except CellError:
        return ""


def _past_day(text: str, today: date) -> date:
    day = parse_day(text)
    if day > today:
        raise CellError("day_ahead", text=shorten(text))
    return day


def _tags(text: str) -> tuple[str, ...]:
    clean = _line(40)
    words = (clean(word) for word in re.split(r"[;；,，、\n]", text) if word.strip())
    found = tuple(dict.fromkeys(words))
    if len(found) > TAGS_AT_MOST:
        raise CellError("too_many", most=TAGS_AT_MOST)
    return found


def _needs(text: str) -> tuple[str, ...]:
    """`轮椅;儿童椅` -> (child_seat, wheelchair): each once, in one order. Raises CellError word_not_allowed."""
    said = {_choice(word.strip(), NEEDS) for word in re.split(r"[;；,，、\n]", text) if word.strip()}
    return tuple(need for need in NEEDS if need in said)


def _choice(text: str, labels: Mapping[str, str]) -> str:
    written = plain(text).casefold().replace("-", "_").replace(" ", "_")
    if written in labels:
        return written
    for code, label in labels.items():
        if written == label:
            return code
    allowed = ", ".join(f"{label} {code}" for code, label in labels.items())
    raise CellError("word_not_allowed", text=shorten(text), allowed=allowed)


_DISH = re.compile(
    r"(?P<name>.+?)\s*[×xX*✕]\s*(?P<count>[0-9]{1,4}(?:\.[0-9]{1,3})?)\s*[份个只条瓶杯碗盘例位两斤串打盒]?"
)


def parse_dishes(text: str) -> tuple[tuple[str, int | float], ...]:
    """`红烧肉×2;米饭*3;茶` -> (红烧肉, 2), (米饭, 3), (茶, 1). Raises CellError dish_unreadable, too_many."""
    dishes: list[tuple[str, int | float]] = []
    for part in re.split(r"[;；\n]", text):
        written = plain(part)
        if not written:
            continue
        found = _DISH.fullmatch(written)
        name, count = (found["name"], float(found["count"])) if found else (written, 1.0)
        # A sign of multiplication that no quantity follows; a bare x may end a dish's name.
        if (
            not count
            or len(name) > 60
            or re.search(r"[×*✕]\s*[^\s\w]*[0-9.]*$", name)
            or _CONTROL.search(name)
        ):
            raise CellError("dish_unreadable", text=shorten(part))
        dishes.append((name, int(count) if count.is_integer() else count))
    if len(dishes) > DISHES_AT_MOST:
        raise CellError("too_many", most=DISHES_AT_MOST)
    return tuple(dishes)
