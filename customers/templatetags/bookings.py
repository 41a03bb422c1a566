"""How pages say what is booked and what a guest is used to."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

from customers.models import Booking, Need
from customers.preorder import write_dishes

register = template.Library()
WEEKDAYS = [_("星期一"), _("星期二"), _("星期三"), _("星期四"), _("星期五"), _("星期六"), _("星期日")]
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
def booking_class(booking: Booking) -> str:
    """How a booking's state is coloured."""
    return COLOURS.get(booking.state, "")
