"""What a line of a rule can be about: the entries of the editor's list, in groups, in the reader's language."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from tiering import facts
from tiering.editor import LEAVES
from tiering.rules import Problem, read_node
from tiering.sentences import FIELDS, language, node_sentence

UNITS: dict[str, str | Promise] = {
    "fen": _lazy("元"),
    "times": _lazy("次"),
    "days": _lazy("天"),
    "weeks": _lazy("周"),
    "years": _lazy("岁"),
    "count": _lazy("位"),
    "km": _lazy("公里"),
    "grade": _lazy("级"),
    "points": _lazy("分"),
    "percent": "%",
}
_GROUP_OF_UNIT = {"fen": "fen", "times": "times", "days": "days", "weeks": "days", "percent": "percent"}
_PROFILE = (
    "in:sex:m", "in:sex:f", "in:married:yes", "in:married:no", "contains:position", "contains:industry", "contains:employer",
    "contains:address",
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """An entry: what it stands for, its words, which fields go with it (a Leaf's shape), its unit."""

    value: str
    words: str
    shape: str
    unit: str = ""


def unit_words(fact: str) -> str:
    """The unit that stands behind a threshold."""
    return str(UNITS.get(facts.unit_of(fact), "")) if facts.is_known(fact) else ""


def choices(
    scores: Iterable[str], tags: Iterable[str], codes: Iterable[str], used: Iterable[str]
) -> list[tuple[str, list[Choice]]]:
    """Everything that a line can look at, in groups; what the draft uses already is always among it."""
    kinds: dict[str, list[Choice]] = {"fen": [], "times": [], "days": [], "percent": [], "more": []}
    ranks = []
    for key in facts.CATALOGUE:
        unit = facts.unit_of(key)
        if unit != "date":
            kinds[_GROUP_OF_UNIT.get(unit, "more")].append(of_fact(key))
            ranks += [of_fact(facts.SHARE + key)] if unit != "percent" else []
    score_keys = [facts.SCORE + score for score in scores]
    groups = [
        (_("消费金额"), kinds["fen"]),
        (_("次数"), kinds["times"]),
        (_("时间"), kinds["days"]),
        (_("占比"), kinds["percent"]),
        (_("其他数字"), kinds["more"]),
        (_("分数"), [of_fact(key) for key in (*score_keys, *(facts.SHARE + key for key in score_keys))]),
        (_("排名"), ranks),
        (_("资料"), [of_line(subject) for subject in _PROFILE]),
        (_("标签"), [*(of_line(f"tag:{word}") for word in tags), Choice("tag:", _("别的标签…"), "word")]),
        (
            _("人工认定"),
            [*(of_line(f"manual:{code}") for code in codes), Choice("manual:", _("别的认定…"), "word")],
        ),
        (_("还没有统计"), [of_fact(key) for key in facts.UNMEASURED]),
        (_("兜底"), [Choice("otherwise:", _("其余客人"), "none")]),
    ]
    there = {choice.value for _title, group in groups for choice in group} | {"fact:"}
    strays = [of_line(subject) for subject in dict.fromkeys(used) if subject not in there]
    return [(title, group) for title, group in [*groups, (_("这个方案里的"), strays)] if group]


def measures(used: Iterable[str]) -> list[tuple[str, list[Choice]]]:
    """What a part of a score can look at: numbers and ranks, by their plain keys."""
    numbers = [key for key in facts.CATALOGUE if facts.unit_of(key) != "date"]
    ranks = [facts.SHARE + key for key in numbers if facts.unit_of(key) != "percent"]
    there = {*numbers, *ranks, ""}
    strays = [key for key in dict.fromkeys(used) if key not in there]
    groups = ((_("数字"), numbers), (_("排名"), ranks), (_("这个方案里的"), strays))
    return [(title, [replace(of_fact(key), value=key) for key in keys]) for title, keys in groups if keys]


def as_options(groups: list[tuple[str, list[Choice]]], nothing: str = "fact:") -> SafeString:
    """The list as the options of a select: written once a page, however many lines choose from it."""
    blank = format_html('<option value="{}" data-shape="number">{}</option>', nothing, _("选一个指标…"))
    listed = format_html_join(
        "",
        '<optgroup label="{}">{}</optgroup>',
        (
            (
                title,
                format_html_join(
                    "",
                    '<option value="{}" data-shape="{}" data-unit="{}">{}</option>',
                    ((each.value, each.shape, each.unit, each.words) for each in group),
                ),
            )
            for title, group in groups
        ),
    )
    return blank + listed


def of_fact(key: str) -> Choice:
    return Choice(f"fact:{key}", facts.name_of(key, language()), "number", unit_words(key))


def of_line(subject: str) -> Choice:
    """A subject as the sentence of the line that it makes."""
    kind, _sep, about = subject.partition(":")
    if kind == "fact":
        return of_fact(about)
    if kind == "contains":
        return Choice(subject, _("%(field)s含有") % {"field": FIELDS.get(about, about)}, "words")
    leaf = LEAVES.get(kind)
    if leaf is None:
        return Choice(subject, subject, "none")
    shape = leaf.shape if kind == "in" and ":" not in about else "none"
    return Choice(subject, words_of(leaf.node(about, ">=", "")) or about, shape)


def words_of(node: object) -> str:
    """A node of a rule as a sentence; empty where it cannot be read."""
    problems: list[Problem] = []
    read = read_node(node, "", problems)
    return "" if problems else node_sentence(read)
