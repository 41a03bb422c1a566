"""How pages say what is booked and what a guest is used to."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

from customers.models import Booking, BookingChange, Need
from customers.preorder import write_dishes
from staff.models import Store

register = template.Library()
WEEKDAYS = [_("星期一"), _("星期二"), _("星期三"), _("星期四"), _("星期五"), _("星期六"), _("星期日")]
CHANGEABLE = {
    "on": _("哪一天"), "arrives": _("几点"), "party": _("几位"), "table": _("台号"), "needs": _("要准备"),
    "allergies": _("同来的人过敏"), "dishes": _("备菜"), "note": _("备注"),
}  # fmt: skip
COLOURS = {"provisional": "wait", "confirmed": "good", "seated": ""}


@register.filter
def need_name(need: str) -> str:
    """儿童椅, 轮椅, 有老人."""
    return str(Need(need).label) if need in Need.values else need


@register.filter
def weekday_name(number: int) -> str:
    """0 is 星期一."""
    return str(WEEKDAYS[number])


@register.filter
def dishes_words(dishes: Iterable[Mapping[str, Any]]) -> str:
    """清蒸石斑 ×1、东坡肉 ×2."""
    return write_dishes(dishes)


@register.filter
def booked_hour(booking: Booking, store: Store) -> str:
    """18:00; in the small hours, which stand on the page of the evening before: 次日 00:30."""
    hour = f"{booking.arrives:%H:%M}"
    is_late = booking.evening_at(store) != booking.on
    return str(_("次日 %(hour)s") % {"hour": hour}) if is_late else hour


@register.filter
def booked_evening(booking: Booking, store: Store) -> date:
    """The business day on whose page a booking stands."""
    return booking.evening_at(store)


@register.filter
def changed_words(change: BookingChange) -> Iterator[str]:
    """几点 18:00 → 19:30: what was changed, one thing after the other."""
    for name, label in CHANGEABLE.items():
        if name in change.what:
            yield " ".join(
                [str(label), " → ".join(_value(name, value) for value in change.what[name])]
            ).strip()


def _value(name: str, value: Any) -> str:
    if name == "needs":
        value = "、".join(need_name(need) for need in value)
    elif name == "dishes":
        value = write_dishes(value)
    return str(value or "—")


@register.filter
def booking_class(booking: Booking) -> str:
    """How a booking's state is coloured."""
    return COLOURS.get(booking.state, "")
