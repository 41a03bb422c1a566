"""The long relation in templates: what a task asks, which topic it suggests."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from care.models import CallAnswer, Task, Topic
from care.playbook import CONTACTS
from care.relations.services.accounts import ACCOUNT_CALL
from care.relations.services.calls import is_return
from care.relations.services.opening import WIN_BACK

register = template.Library()


@register.filter
def asks_score(task: Task) -> bool:
    """Whether who does the task has to say how content the guest is."""
    return task.code == ACCOUNT_CALL


@register.filter
def asks_cause(task: Task) -> bool:
    """Whether who does the task has to say why the guest stays away, and what is done about it."""
    return task.code == WIN_BACK


@register.filter
def is_a_return(task: Task) -> bool:
    """Whether a task is a return visit, on which guests say what they would do better."""
    return is_return(task)


@register.filter
def topic_of(task: Task) -> Topic | None:
    """The topic that was put on the task; None where there is none."""
    return getattr(task, "topic", None)


@register.filter
def causes(task: Task) -> list[tuple[str, str | Promise]]:
    """Why a guest may stay away."""
    return list(CallAnswer.Cause.choices)


@register.filter
def measures(task: Task) -> list[tuple[str, str | Promise]]:
    """What may be done to win a guest back."""
    return list(CallAnswer.Measure.choices)


@register.filter
def told_words(told: CallAnswer) -> str:
    """What a guest said on a call: `4/5 · 口味 → 送券（20元券 K7P2M-9XQ4Z） · 建议：汤太咸`."""
    parts = [f"{told.score}/5"] if told.score else []
    if told.cause:
        given = f"（{told.voucher.kind.name} {told.voucher.shown}）" if told.voucher else ""
        parts.append(f"{told.get_cause_display()} → {told.get_measure_display()}{given}")
    if told.suggestion is not None:
        parts.append(_("建议：%(text)s") % {"text": told.suggestion.text})
    return " · ".join(parts)


@register.filter
def prefers_another(task: Task) -> bool:
    """Whether a guest who is to be called, visited or written to by WeChat likes to hear from us in another way."""
    preferred = task.customer.preferred_channel
    return bool(preferred) and task.channel in CONTACTS and preferred != task.channel
