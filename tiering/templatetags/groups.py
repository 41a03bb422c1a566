"""How the pages of groups and goals write what was reached."""

from datetime import date
from fractions import Fraction

from django import template
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.money import half_up, show_yuan
from tiering.forms_goals import GoalsForm
from tiering.goals import SCALE
from tiering.selectors.groups import Aim
from tiering.sentences import language

register = template.Library()

METRICS: dict[str, str | Promise] = {
    "avg_bill": _("每单金额"),
    "dishes_per_bill": _("每单菜品数"),
    "dishes_per_guest": _("每位用餐者菜品数"),
    "visits_per_guest": _("每位客人来的次数"),
}


@register.filter
def metric_words(metric: str) -> str:
    """What a goal is about."""
    return str(METRICS.get(metric, metric))


@register.filter
def metric_amount(value: Fraction | int | None, metric: str) -> str:
    """What was wanted or reached, from hundredths: `¥186`, `6.0`; a dash where nothing is known."""
    if value is None:
        return "–"
    if metric == "avg_bill":
        return show_yuan(value)
    said = f"{half_up(Fraction(value) / SCALE):f}"
    return said[:-1] if said.endswith("0") else said


@register.filter
def tenths(value: Fraction | None) -> str:
    """92.3."""
    return "" if value is None else f"{half_up(value, 1):f}"


@register.filter
def share_of(part: int, whole: int) -> str:
    """A share in whole per cent: `37%`; nothing of nothing."""
    return f"{half_up(Fraction(100 * part, whole), 0):f}%" if whole else ""


@register.filter
def month_words(day: date) -> str:
    """2026年10月 · Oct 2026."""
    return f"{day:%b %Y}" if language() == "en" else f"{day.year}年{day.month}月"


@register.filter
def aim_fields(form: GoalsForm) -> list[tuple[Aim, BoundField]]:
    """The goals of the form, each with its field."""
    return [(aim, form[f"{aim.tier}-{aim.metric}"]) for aim in form.aims]
