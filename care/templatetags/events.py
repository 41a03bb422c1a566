"""Events and invitations in words."""

from datetime import date

from django import template
from django.utils.translation import gettext as _

from care.events.inviting import CODE
from care.events.models import Event, Invitation
from care.events.services import is_dinner
from care.models import Task

register = template.Library()


@register.filter
def event_class(event: Event, today: date) -> str:
    """How an event's state is coloured."""
    if _waits(event, today):
        return "wait"
    return {"draft": "wait", "open": "good", "cancelled": "alarm"}.get(event.state, "")


@register.filter
def event_words(event: Event, today: date) -> str:
    """The state of an event: 邀请中, 等着记结果 …"""
    return _("等着记结果") if _waits(event, today) else str(event.get_state_display())


def _waits(event: Event, today: date) -> bool:
    """Whether its day is past and nobody has closed it."""
    return event.held_on < today and event.state in (Event.State.DRAFT, Event.State.OPEN)


@register.filter
def answer_class(row: Invitation) -> str:
    """How an answer is coloured."""
    return {"accepted": "good", "waiting": "wait"}.get(row.answer, "")


@register.filter
def guest_tier(row: Invitation) -> str:
    """The tier on the door of an invited guest."""
    here = getattr(row.customer, "patronages_here", [])
    return here[0].tier if here else row.tier


@register.filter
def guest_owner(row: Invitation) -> str:
    """Who looks after an invited guest."""
    here = getattr(row.customer, "patronages_here", [])
    return str(here[0].owner or "") if here else ""


@register.filter
def called_guest(words: str) -> str:
    """The words of an invitation with a form of address in its place."""
    return words.replace("${name}", _("王总"))


@register.filter
def event_of(task: Task) -> int | None:
    """The event that a task invites to (`event:5`), where the guest's answer is noted; None for any other task."""
    kind, _colon, number = task.occasion.partition(":")
    return int(number) if task.code == CODE and kind == CODE and number.isdecimal() else None


@register.filter
def owes_dinner(task: Task) -> bool:
    """Whether the task is a dinner to be held."""
    return is_dinner(task)
