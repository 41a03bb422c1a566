"""How long somebody has waited, in words."""

from datetime import date

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()


@register.filter
def days_waiting(since: date, today: date) -> str:
    """今天, 1 天, 12 天: how long ago `since` was."""
    days = (today - since).days
    return ngettext("%(n)s 天", "%(n)s 天", days) % {"n": days} if days > 0 else _("今天")
