"""A tier as pages show it: the letter and the full name, in the colour of its rank; for every room."""

import re
from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from customers.models import Patronage
from tiering.axes import MAIN, axis_name, axis_order
from tiering.models import SchemeVersion
from tiering.rules import TOGETHER, UNRATED, Node, Scheme
from tiering.selectors.judged import Said
from tiering.selectors.labels import schemes_of_labels
from tiering.selectors.schemes import scheme_of
from tiering.sentences import FIELDS, TAGS, named, node_sentence, note_words, tier_name, unrated_sentence
from tiering.services.preview import Preview

register = template.Library()
COLOURS = 5


def schemes_for(context: Any) -> dict[str, Scheme]:
    """The schemes that the store's labels come from, by axis, asked once a request."""
    request = context.get("request")
    principal = getattr(request, "principal", None)
    if principal is None:
        return {}
    if not hasattr(request, "label_schemes"):
        request.label_schemes = schemes_of_labels(principal.store.pk)
    found: dict[str, Scheme] = request.label_schemes
    return found


def scheme_for(context: Any) -> Scheme | None:
    """The scheme that the tiers of the main axis come from."""
    return schemes_for(context).get(MAIN)


def badge(scheme: Scheme | None, code: str) -> SafeString:
    """The letter in its colour, then the tier's name; the scheme as a tooltip. Of labels one badge each."""
    if not code or code == UNRATED:
        return format_html('<span class="tier tier-none"><b>–</b>{}</span>', _("未评级"))
    if scheme is not None and not scheme.is_ladder:
        return format_html_join(" ", "{}", ((_one(scheme, each),) for each in code.split(TOGETHER)))
    return _one(scheme, code)


def _one(scheme: Scheme | None, code: str) -> SafeString:
    if scheme is None or scheme.tier(code) is None:
        return format_html('<span class="tier tier-none"><b>{}</b>{}</span>', code, _("原方案等级"))
    letter, words = _split(tier_name(scheme, code), code)
    return format_html(
        '<span class="tier {}" title="{}"><b>{}</b>{}</span>', colour_of(scheme, code), named(scheme), letter, words
    )  # fmt: skip


def colour_of(scheme: Scheme, code: str) -> str:
    """The colour class of a tier by its rank; labels have no ranks."""
    return f"tier-{min(scheme.rank(code), COLOURS - 1)}" if scheme.is_ladder else "tier-label"


def _split(name: str, code: str) -> tuple[str, str]:
    """What stands in the box and what behind it: `A` and `类顾客`, `A` and `Class A`; a code nobody says is left out."""
    if len(code) > 1 and code not in name:
        return name, ""
    rest = name.removeprefix(code).strip()
    if name == code:
        return code, ""
    return code, name if not rest or rest[0].isascii() else rest


@dataclass(frozen=True)
class Beside:
    """Where a guest stands on an axis beside the main one: its name, the scheme's, the tier's badge."""

    axis: str
    name: str
    scheme: Scheme
    code: str
    badge: SafeString

    @property
    def notes(self) -> list[str]:
        """What the scheme says of the tier, for whoever greets the guest."""
        tiers = [self.scheme.tier(each) for each in self.code.split(TOGETHER)]
        return [tier.note for tier in tiers if tier and tier.note and not tier.note.startswith("†")]


@register.simple_tag(takes_context=True)
def beside(context: Any, patronage: Patronage) -> list[Beside]:
    """`{% beside patronage as others %}`: the guest's labels on the other axes, in their order."""
    schemes = schemes_for(context)
    return [
        Beside(axis, axis_name(axis), schemes[axis], code, badge(schemes[axis], code))
        for axis, code in sorted(patronage.labels.items(), key=lambda pair: axis_order(pair[0]))
        if axis in schemes and code not in ("", UNRATED)
    ]


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
    return "tier-none" if scheme is None or scheme.tier(code) is None else colour_of(scheme, code)


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
def in_short(scheme: Scheme) -> str:
    """The name of a scheme without the list of its tiers: `会员等级（银卡、金卡）` is `会员等级`."""
    return re.split(r"\s*[（(]", named(scheme))[0]


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


@register.simple_tag(takes_context=True)
def axis_badge(context: Any, patronage: Patronage, axis: str) -> SafeString:
    """`{% axis_badge patronage "vip" %}`: where the guest stands on an axis, by the newest night."""
    code = patronage.tier if axis == MAIN else patronage.labels.get(axis, "")
    return badge(schemes_for(context).get(axis), code)


@register.filter
def in_note(note: str) -> str:
    """A tier's note; one that begins with † says that its thresholds are a suggestion."""
    return note_words(note)


@register.filter
def past_ones(said: list[Said]) -> list[Said]:
    """The judgements that stand no more."""
    return [each for each in said if not each.stands]
