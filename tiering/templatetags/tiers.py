"""A tier as pages show it: the letter and the full name, in the colour of its rank; for every room."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tiering.models import SchemeVersion
from tiering.rules import UNRATED, Node, Scheme
from tiering.selectors.pages import scheme_behind_labels
from tiering.selectors.schemes import scheme_of
from tiering.sentences import FIELDS, TAGS, named, node_sentence, tier_name, unrated_sentence
from tiering.services.preview import Preview

register = template.Library()
COLOURS = 5


def scheme_for(context: Any) -> Scheme | None:
    """The scheme that the store's labels come from, asked once a request."""
    request = context.get("request")
    principal = getattr(request, "principal", None)
    if principal is None:
        return None
    if not hasattr(request, "label_scheme"):
        request.label_scheme = scheme_behind_labels(principal.store.pk)
    return request.label_scheme


def badge(scheme: Scheme | None, code: str) -> SafeString:
    """The letter in its colour, then the tier's name; the scheme as a tooltip."""
    if not code or code == UNRATED:
        return format_html('<span class="tier tier-none"><b>–</b>{}</span>', _("未评级"))
    if scheme is None or scheme.tier(code) is None:
        return format_html('<span class="tier tier-none"><b>{}</b>{}</span>', code, _("原方案等级"))
    rank = min(scheme.rank(code), COLOURS - 1)
    return format_html(
        '<span class="tier tier-{}" title="{}"><b>{}</b>{}</span>',
        rank, named(scheme), code, _words(tier_name(scheme, code), code),
    )  # fmt: skip


def _words(name: str, code: str) -> str:
    # The letter stands in the box already: "A类顾客" goes on as "类顾客". "Class A" stays whole.
    rest = name.removeprefix(code).strip()
    return name if not rest or rest[0].isascii() else rest


@register.simple_tag(takes_context=True)
def tier(context: Any, code: str | None) -> SafeString:
    """`{% tier patronage.tier %}`."""
    return badge(scheme_for(context), code or "")


@register.simple_tag(takes_context=True)
def tier_words(context: Any, code: str) -> str:
    """The full name of a tier without its badge: `A类顾客`."""
    scheme = scheme_for(context)
    return tier_name(scheme, code) if scheme else code


@register.simple_tag
def tier_of(scheme: Scheme, code: str | None) -> SafeString:
    """A tier of a given scheme: `{% tier_of scheme "A" %}`."""
    return badge(scheme, code or "")


@register.simple_tag
def tier_class(scheme: Scheme | None, code: str) -> str:
    """The colour class of a tier, for bars."""
    if scheme is None or scheme.tier(code) is None:
        return "tier-none"
    return f"tier-{min(scheme.rank(code), COLOURS - 1)}"


@register.simple_tag(takes_context=True)
def scheme_name(context: Any) -> str:
    """The name of the scheme that the labels come from; nothing before the first night."""
    scheme = scheme_for(context)
    return named(scheme) if scheme else ""


@register.filter
def in_words(thing: Any) -> str:
    """The name of a scheme or a tier in the reader's language."""
    return named(thing)


@register.filter
def field_name(field: str) -> str:
    """A mandatory field of a profile for people."""
    return str(FIELDS.get(field, field))


@register.filter
def tag_words(word: str) -> str:
    """A tag for people: the few that schemes know by a code have a name."""
    return str(TAGS.get(word, word))


@register.filter
def line_words(node: Node) -> str:
    """One line of a rule as a sentence."""
    return node_sentence(node)


@register.filter
def unrated_words(reasons: list[dict[str, Any]]) -> str:
    """Why a guest is not rated yet."""
    return unrated_sentence(reasons)


@register.filter
def version_words(version: SchemeVersion) -> str:
    """The name of a stored version's scheme."""
    return named(scheme_of(version))


@register.filter
def guests_in(answer: Preview) -> int:
    """How many guests a preview looked at."""
    return sum(answer.then.values())
