"""The rule editor's list of subjects, and the words of axes, for templates."""

from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from tiering import facts
from tiering.axes import axis_name
from tiering.drafts import PLACES, Draft, PartRow, Row
from tiering.sentences import FIELDS, language, note_words

register = template.Library()
SIGNS = (">=", "≥"), (">", ">"), ("<=", "≤"), ("<", "<"), ("=", "="), ("!=", "≠")


@register.simple_tag(takes_context=True)
def subject_options(context: Any, row: Row) -> SafeString:
    """The options of a line's subject, the row's own chosen."""
    written: str = context["subjects"]
    chosen = format_html('<option value="{}"', row.subject)
    return mark_safe(written.replace(chosen, chosen + " selected", 1))


@register.simple_tag(takes_context=True)
def measure_options(context: Any, part: PartRow) -> SafeString:
    """The options of a score's part, its own fact chosen."""
    written: str = context["measures"]
    chosen = format_html('<option value="{}"', part.fact)
    return mark_safe(written.replace(chosen, chosen + " selected", 1))


@register.simple_tag
def sign_options(row: Row) -> SafeString:
    """The options of a line's sign; one that does not exist stays, to be refused."""
    stray = [(row.op, row.op)] if row.op and row.op not in dict(SIGNS) else []
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((sign, mark_safe(" selected") if sign == row.op else "", words) for sign, words in [*SIGNS, *stray]),
    )


@register.filter
def axis_words(axis: str) -> str:
    """How people call an axis."""
    return axis_name(axis)


@register.filter
def field_of(draft: Draft, name: str) -> str:
    """A field of the draft by its name."""
    return draft.fields.get(name, "")


@register.filter
def called(draft: Draft) -> str:
    """The draft's name in the reader's language, else in the other."""
    zh, en = draft.fields.get("name.zh", ""), draft.fields.get("name.en", "")
    return (en or zh) if language() == "en" else (zh or en)


@register.filter
def asks(draft: Draft, name: str) -> str:
    """The place of a mandatory field in the draft's list; empty where it is not asked for."""
    return draft.fields.get(f"requires.{name}", "")


@register.filter
def troubles_of(draft: Draft, name: str) -> Any:
    """What is wrong with a field of the scheme itself."""
    return draft.troubles.get(name, [])


@register.filter
def loose_troubles(draft: Draft) -> Any:
    """What is wrong and has no field of its own on the page."""
    return [trouble for name, there in draft.troubles.items() if name not in PLACES for trouble in there]


@register.filter
def fact_words(key: str) -> str:
    """How people call a fact."""
    return facts.name_of(key, language())


@register.filter
def note_said(note: str) -> str:
    """A tier's note; one that begins with † says that its thresholds are suggested."""
    return note_words(note)


@register.filter
def mandatory_words(field: str) -> str:
    """A mandatory field of a profile for people."""
    return str(FIELDS.get(field, field))
