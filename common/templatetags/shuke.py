"""How pages write money, days and numbers."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common.birthdays import Birthday, format_birthday
from common.money import show_yuan
from common.phones import mask

register = template.Library()
_WEEKDAYS = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"]
_ENGLISH_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def _is_english() -> bool:
    return (get_language() or "").startswith("en")


@register.filter
def fen(value: int | None) -> str:
    """Fen as ¥1,280 or ¥1,280.50; nothing for None."""
    return show_yuan(value)


@register.filter
def day(value: date | datetime | None) -> str:
    """11月22日 周日 · Sun 22 Nov; nothing for None."""
    if value is None:
        return ""
    if _is_english():
        return f"{_ENGLISH_DAYS[value.weekday()]} {value.day} {value:%b}"
    return f"{value.month}月{value.day}日 {_WEEKDAYS[value.weekday()]}"


@register.filter
def full_day(value: date | datetime | None) -> str:
    """2026年11月22日 · 22 Nov 2026."""
    if value is None:
        return ""
    return f"{value.day} {value:%b %Y}" if _is_english() else f"{value.year}年{value.month}月{value.day}日"


@register.filter
def month(value: date | None) -> str:
    """2026年11月 · Nov 2026."""
    if value is None:
        return ""
    return f"{value:%b %Y}" if _is_english() else f"{value.year}年{value.month}月"


@register.filter
def table_name(number: Any) -> str:
    """A table as people call it: `5 号台`, `A07 号台`; a room that has a name is its name: `牡丹厅`."""
    text = str(number)
    return _("%(table)s 号台") % {"table": text} if text.isascii() and text else text


@register.filter
def moment(value: datetime | None, zone: str = "Asia/Shanghai") -> str:
    """11月22日 18:30 in the store's zone."""
    if value is None:
        return ""
    local = value.astimezone(ZoneInfo(zone))
    return f"{day(local).rsplit(' ', 1)[0] if not _is_english() else day(local)} {local:%H:%M}"


@register.filter
def clock(value: datetime | None, zone: str = "Asia/Shanghai") -> str:
    """18:30 in the store's zone."""
    return "" if value is None else f"{value.astimezone(ZoneInfo(zone)):%H:%M}"


@register.filter
def days_ago(value: date | None, today: date) -> str:
    """今天, 昨天, 12天前."""
    if value is None:
        return ""
    gone = (today - value).days
    if gone <= 0:
        return _("今天")
    return _("昨天") if gone == 1 else _("%(n)s天前") % {"n": gone}


@register.filter
def item(mapping: Any, key: Any) -> Any:
    """mapping[key], or nothing."""
    return mapping.get(key) if mapping else None


@register.filter
def masked(number: str | None) -> str:
    """138****8899; nothing for None."""
    return mask(number) if number else ""


@register.filter
def birthday(value: Birthday | None) -> str:
    """6月3日, 农历八月十五 · 3 Jun, lunar 8/15; the year of birth stays out of pages. Nothing for None."""
    if value is None:
        return ""
    if not _is_english():
        return format_birthday(value)
    if value.calendar == "solar":
        return f"{value.day} {date(2000, value.month, 1):%b}"
    return f"lunar {'leap ' if value.leap else ''}{value.month}/{value.day}"


@register.simple_tag
def either(zh: str, en: str) -> str:
    """Of a text that is kept in two languages, the reader's."""
    return en if _is_english() and en else zh


@register.filter
def percent_of(part: int | float, whole: int | float) -> float:
    """A share in per cent, 0 to 100, for a bar's width; 0 of nothing."""
    return round(max(0.0, min(100.0, 100 * float(part) / float(whole))), 1) if whole else 0.0


@register.filter
def minus(a: int, b: int) -> int:
    """a - b."""
    return a - b


@register.filter
def unlocal(number: float) -> str:
    """A number for an attribute: no commas, a point whatever the language."""
    return f"{number:g}"
