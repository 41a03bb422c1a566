"""Cells of people's files as values: amounts, moments, days, counts, yes or no, sex.

Every cleaner takes the text of one cell and returns the value, or raises CellError with the code of
a sentence in `common.messages`. A blank cell is the caller's matter where a field may be empty.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from fractions import Fraction

from common.errors import Refused

MAX_AMOUNT_YUAN = 1_000_000


class CellError(Refused):
    """One cell cannot be read; `code` and `params` say why."""


class TableError(Refused):
    """A file as a whole is refused; `code` and `params` say why, with the row if known."""


def plain(text: str) -> str:
    """Half-width, without invisible formatting characters, without white space at the ends."""
    if text.isascii():
        return text.strip()
    folded = unicodedata.normalize("NFKC", text)
    return "".join(c for c in folded if unicodedata.category(c) != "Cf").strip()


_AMOUNT = re.compile(
    r"(?:¥|rmb|cny|人民币)*(?P<sign>[-+\u2212(]?)(?:¥)?"
    r"(?P<number>[0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?P<wan>万)?(?P<close>\)?)(?:元|块|圆|rmb|cny)?整?"
)
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")


def parse_amount(text: str) -> int:
    """Yuan as people write them, in fen: `¥1,280.50` -> 128050, `1.2万` -> 1200000.

    Raises CellError: amount_empty, amount_not_number, amount_commas, amount_negative,
    amount_too_precise (a part of a fen), amount_too_large (over a million yuan).
    """
    written = "".join(plain(text).lower().split())
    if not written:
        raise CellError("amount_empty")
    found = _AMOUNT.fullmatch(written) if len(written) <= 60 else None
    if found is None or (found["sign"] == "(") != (found["close"] == ")"):
        raise CellError("amount_not_number", text=shorten(text))
    number = found["number"]
    if "," in number and not _GROUPED.fullmatch(number):
        raise CellError("amount_commas", text=shorten(text))
    value = Fraction(number.replace(",", "")) * (10_000 if found["wan"] else 1)
    if value and found["sign"] in {"-", "\u2212", "("}:
        raise CellError("amount_negative", text=shorten(text))
    if value > MAX_AMOUNT_YUAN:
        raise CellError("amount_too_large", text=shorten(text), most=f"{MAX_AMOUNT_YUAN:,}")
    fen = value * 100
    if fen.denominator != 1:
        raise CellError("amount_too_precise", text=shorten(text))
    return fen.numerator


def parse_count(text: str, *, most: int) -> int:
    """A whole number from 0 to `most`, `4`, `4.0`, `4人`, `4位`. Raises CellError."""
    found = re.fullmatch(r"([0-9]{1,9})(?:\.0+)?\s*(?:人|位|个)?", plain(text))
    if found is None:
        raise CellError("count_not_number", text=shorten(text))
    if int(found[1]) > most:
        raise CellError("count_too_large", text=shorten(text), most=most)
    return int(found[1])


_DAY = r"(?P<year>[0-9]{4})(?:[-/.]|年)(?P<month>[0-9]{1,2})(?:[-/.]|月)(?P<day>[0-9]{1,2})日?"
_TIME = (
    r"(?P<half>上午|下午|am|pm)?\s*(?P<hour>[0-9]{1,2})(?::(?=[0-9])|时|点)(?:(?P<minute>[0-9]{1,2})分?)?"
    r"(?:(?::|(?<=分))(?P<second>[0-9]{1,2})(?:[.,](?P<fraction>[0-9]{1,9}))?秒?)?\s*(?P<after>am|pm)?"
)
_OFFSET = r"\s*(?P<offset>z|[-+][0-9]{2}:?[0-9]{2})"
_MOMENT = re.compile(rf"{_DAY}(?:(?:[t\s]\s*|(?<=日)|(?=上午|下午)){_TIME}(?:{_OFFSET})?)?")
_RUN = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:t?([0-9]{2})([0-9]{2})([0-9]{2}))?")
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")
# Year, month, day, hour, minute, second, microsecond.
Clock = tuple[int, int, int, int, int, int, int]


def parse_moment(text: str | date, tz: tzinfo) -> datetime:
    """When something happened, aware: in the offset that is written, else in `tz`.

    Reads ISO 8601 with or without an offset, `2026/6/3 19:30`, `2026年6月3日 19时30分`,
    `2026-06-03 下午7:30`, `20260603193000`. A day without a time is taken as noon, which no end of
    the business day can move to another date.

    Raises CellError: moment_empty, moment_serial (a spreadsheet's day number), moment_no_such_time,
    moment_out_of_range (not from 1970 to 2100), moment_unreadable.
    """
    if isinstance(text, datetime):
        return _within(text if text.tzinfo else text.replace(tzinfo=tz))
    if isinstance(text, date):
        return _within(datetime.combine(text, time(12), tzinfo=tz))
    written = re.sub(r"\s+", " ", plain(text).lower())
    if not written:
        raise CellError("moment_empty")
    if _SERIAL.fullmatch(written):
        raise CellError("moment_serial", text=shorten(text))
    if found := _RUN.fullmatch(written):
        year, month, day, hour, minute, second = found.groups()
        clock = (int(hour), int(minute), int(second), 0) if hour else (12, 0, 0, 0)
        parts: Clock = (int(year), int(month), int(day), *clock)
        zone = tz
    elif found := _MOMENT.fullmatch(written):
        parts, zone = _parts(found), _zone(found["offset"]) or tz
        if found["half"] and found["after"]:
            raise CellError("moment_unreadable", text=shorten(text))
    else:
        raise CellError("moment_unreadable", text=shorten(text))
    try:
        moment = datetime(*parts, tzinfo=zone)
    except ValueError:
        raise CellError("moment_no_such_time", text=shorten(text)) from None
    return _within(moment)


def parse_day(text: str | date) -> date:
    """A calendar day: what `parse_moment` reads, its time put aside. Raises CellError."""
    return parse_moment(text, UTC).date()


def _parts(found: re.Match[str]) -> Clock:
    hour = 12 if found["hour"] is None else int(found["hour"])
    half = found["half"] or found["after"]
    if half is not None:
        # An hour that the twelve-hour clock does not have becomes one that no clock has.
        hour = hour % 12 + (12 if half in {"下午", "pm"} else 0) if 1 <= hour <= 12 else 99
    micros = int((found["fraction"] or "0")[:6].ljust(6, "0"))
    day = (int(found["year"]), int(found["month"]), int(found["day"]))
    return (*day, hour, int(found["minute"] or 0), int(found["second"] or 0), micros)


def _zone(offset: str | None) -> tzinfo | None:
    if offset is None:
        return None
    if offset == "z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    if minutes > 14 * 60 or int(offset[-2:]) > 59:
        raise CellError("moment_no_such_time", text=offset)
    return timezone(timedelta(minutes=minutes if offset[0] == "+" else -minutes))


def _within(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 2100:
        raise CellError("moment_out_of_range", text=moment.date().isoformat())
    return moment


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YES = _words("是 有 对 已 yes y true t 1 1.0 √ ✓ ✔ 同意 愿意 接受 已同意 已婚 结婚 married on")
_NO = _words(
    "否 无 没有 不 不是 no n false f 0 0.0 × x ✗ ✘ 不同意 不愿意 拒绝 未同意 "
    "未婚 单身 离异 离婚 丧偶 single divorced widowed off"
)
_UNKNOWN = _words("未知 不详 保密 未填 未填写 unknown n/a na - -- —")


def parse_yes_no(text: str) -> bool | None:
    """是/否 and its many spellings; None where blank or said to be unknown. Raises CellError."""
    written = plain(text).casefold()
    if not written or written in _UNKNOWN:
        return None
    if written in _YES:
        return True
    if written in _NO:
        return False
    raise CellError("yes_no_unreadable", text=shorten(text))


_MALE = _words("男 男性 男士 先生 m male man mr mr. ♂")
_FEMALE = _words("女 女性 女士 小姐 太太 f female woman ms ms. mrs mrs. miss ♀")


def parse_sex(text: str) -> str:
    """`m`, `f`, or an empty text where the cell is blank or says unknown. Raises CellError."""
    written = plain(text).casefold()
    if not written or written in _UNKNOWN:
        return ""
    if written in _MALE:
        return "m"
    if written in _FEMALE:
        return "f"
    raise CellError("sex_unreadable", text=shorten(text))


# A spreadsheet may run a cell that begins with one of these, quotes and spaces aside.
_STARTS = frozenset("=+-@＝＋－＠\t\r\n")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _is_dangerous(text: str) -> bool:
    return text.lstrip(" '\"\u3000")[:1] in _STARTS and not _NUMBER.fullmatch(text)


def safe_cell(text: str) -> str:
    """The text for an export, so that no spreadsheet runs it: `=1+1` -> `'=1+1`.

    `read_cell(safe_cell(x)) == x` for every text; plain numbers such as `-12.50` stay as they are.
    """
    return f"'{text}" if _is_dangerous(text) else text


def read_cell(text: str) -> str:
    """A cell as it was before `safe_cell` marked it."""
    return text[1:] if text[:1] == "'" and _is_dangerous(text[1:]) else text


def clean(cell: str) -> str:
    """The text of a cell: no white space around it, one form of each character, no safety mark."""
    stripped = cell.strip(" \t\r\n\u3000\u00a0\ufeff")
    if not stripped.isascii():
        stripped = unicodedata.normalize("NFC", stripped)
    return read_cell(stripped) if stripped[:1] == "'" else stripped


def shorten(text: object, most: int = 24) -> str:
    """What was written, short enough for a sentence and on one line."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
