"""A scheme on the editor's desk: its fields with names, and beside every line what is wrong and whom it matches."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from tiering import facts
from tiering.checks import check_scheme
from tiering.editor import GROUPS, group_kind, to_fields
from tiering.rules import BadScheme, Compare, Otherwise, Problem, Scheme, leaves, read_scheme
from tiering.selectors.counts import Counts
from tiering.sentences import language, problem_sentence
from tiering.subjects import unit_words, words_of

COLOURS = 5
WORK_AT_ONCE = 40_000
# Fields of the scheme itself that have a place for sentences on the page.
PLACES = (
    "name",
    "id",
    "kind",
    "axis",
    "fallback",
    "observe_months",
    "min_stay_days",
    "grace_days",
    "requires",
)
# Said of a field that is still empty: something to do rather than something wrong.
_BLANKS = {
    "unknown_fact": ("fact", _lazy("请选一个指标。")),
    "bad_threshold": ("value", _lazy("请填门槛。")),
}
_WORDS = {
    "bad_threshold": _lazy("“%(value)s”不能当门槛：要写不为负的数字，最多两位小数。"),
    "code_taken": _lazy("代码“%(code)s”已经有了，请换一个。"),
    "saved_meanwhile": _lazy("您打开之后，又有人存了第 %(n)s 版。再按一次保存，就在它之后另存一版。"),
}
_TODO = {
    "bad_part": _lazy("请写满多少得几分；按档的写成 门槛:分，用分号隔开，门槛从小到大。"),
    "bad_name": _lazy("请写名称。"),
    "empty_group": _lazy("这一组还没有规则：加一条，或删掉这一组。"),
    "bad_words": _lazy("请填一个词，或用分号隔开的几个词。"),
}


@dataclass(frozen=True)
class Trouble:
    """A sentence beside the place it belongs to. `blank`: something that is not filled in yet."""

    words: str
    blank: bool


@dataclass
class Row:
    """A line, a group, or a piece that can only be shown. `place` names its fields, `path` its place in the JSON."""

    place: str
    path: str
    kind: str
    subject: str = ""
    op: str = ""
    value: str = ""
    k: str = ""
    json: str = ""
    words: str = ""
    depth: int = 0
    is_first: bool = True
    is_last: bool = True
    items: list["Row"] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    guests: int | None = None
    unmeasured: bool = False

    @property
    def ident(self) -> str:
        return self.place.replace(".", "-")

    @property
    def is_group(self) -> bool:
        return self.kind in GROUPS

    @property
    def is_root(self) -> bool:
        return self.place.endswith(".when")

    @property
    def fact(self) -> str:
        kind, _, about = self.subject.partition(":")
        return about if kind == "fact" else ""

    @property
    def unit(self) -> str:
        return unit_words(self.fact)

    @property
    def hint(self) -> str:
        """What a rank means: at least 80 per cent is the top 20 per cent."""
        if not facts.shared(self.fact) or self.op not in (">=", ">") or not self.value.isdecimal():
            return ""
        top = 100 - int(self.value)
        return _("前 %(top)s%%") % {"top": top} if 0 < top < 100 else ""


@dataclass
class TierRow:
    """One tier of the draft; `hidden` are the fields that ride along."""

    place: str
    path: str
    code: str
    zh: str
    en: str
    note: str
    when: Row | None
    evidence: list[Row]
    hidden: list[tuple[str, str]]
    is_first: bool
    is_last: bool
    troubles: list[Trouble] = field(default_factory=list)
    size: int | None = None
    is_open: bool = False

    @property
    def ident(self) -> str:
        return self.place.replace(".", "-")

    @property
    def colour(self) -> str:
        """The colour class of its rank."""
        return f"tier-{min(int(self.place.partition('.')[2]), COLOURS - 1)}"

    @property
    def rows(self) -> Iterator[Row]:
        """Every row, depth first."""
        return _all_of([*([self.when] if self.when else []), *self.evidence])

    @property
    def shown(self) -> Iterator[Row]:
        """The rows of the evidence."""
        return _all_of(self.evidence)


def _all_of(rows: list[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield from _all_of(row.items)


@dataclass
class PartRow:
    """A part of a score: a fact with points in proportion (`by` full) or by steps."""

    place: str
    path: str
    fact: str
    by: str
    full: str
    points: str
    steps: str
    base: str
    json: str
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def ident(self) -> str:
        return self.place.replace(".", "-")

    @property
    def unit(self) -> str:
        return unit_words(self.fact)


@dataclass
class ScoreRow:
    """A score of the draft."""

    place: str
    path: str
    code: str
    parts: list[PartRow]
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def ident(self) -> str:
        return self.place.replace(".", "-")

    @property
    def name(self) -> str:
        return facts.name_of(facts.SCORE + self.code, language())


@dataclass
class Draft:
    """A scheme as written so far. `scheme` is None while something in it cannot be read or meant."""

    body: dict[str, Any]
    fields: dict[str, str]
    tiers: list[TierRow]
    hidden: list[tuple[str, str]]
    problems: list[Problem]
    troubles: dict[str, list[Trouble]]
    scheme: Scheme | None
    kept: list[str]
    scores: list[ScoreRow]
    counts: Counts | None = None

    @property
    def how_many(self) -> int:
        return len(self.problems)

    @property
    def is_settings_wrong(self) -> bool:
        """Whether something is wrong in the folded settings."""
        return any(self.troubles.get(name) for name in PLACES[2:])

    def count(self, counts: Counts) -> None:
        """Put the guests beside the lines."""
        self.counts = counts
        for tier in self.tiers:
            tier.size = counts.sizes.get(tier.code)
            for row in tier.rows:
                row.guests = counts.lines.get(row.path)
                row.unmeasured = row.path in counts.lines and row.guests is None


def draft_of(body: dict[str, Any], extra: Iterable[Problem] = (), focus: str = "") -> Draft:
    """The draft of a scheme's JSON, whatever it says, with every problem beside its line.

    Where something folded has the `focus` or something is wrong in it, it is open.
    """
    fields = to_fields(body)
    problems, scheme = [*extra], None
    try:
        scheme = read_scheme(body)
        # A large scheme is looked through when it is saved: nobody waits for that at every keystroke.
        problems += check_scheme(scheme) if _work(scheme) <= WORK_AT_ONCE else []
    except BadScheme as bad:
        problems += bad.problems
    tiers = [_tier_row(tier, n, len(body["tiers"]), fields) for n, tier in enumerate(body.get("tiers", []))]
    along: tuple[str, ...] = ("said", "rest", "name.form", "source")
    hidden = [(name, fields[name]) for name in along if name in fields]
    kept = sorted(json.loads(fields.get("rest", "{}")).get("rest", {}))
    draft = Draft(
        body, fields, tiers, hidden, problems, {}, None if problems else scheme, kept, _score_rows(fields)
    )
    for problem in problems:
        _put(draft, problem)
    for tier in tiers:
        tier.is_open = f"{tier.place}.evidence" in focus or any(row.troubles for row in tier.shown)
    return draft


def _work(scheme: Scheme) -> int:
    """How much there is to look through: guests at, below and above every threshold, times the lines."""
    lines = [leaf for tier in scheme.tiers for leaf in leaves(tier.when)]
    thresholds: dict[str, set[Fraction]] = {}
    words = set()
    for leaf in lines:
        if isinstance(leaf, Compare):
            thresholds.setdefault(leaf.fact, set()).add(leaf.value)
        elif not isinstance(leaf, Otherwise):
            words.add(leaf)
    return prod(3 * len(values) + 2 for values in thresholds.values()) * 2 ** len(words) * len(lines)


def _tier_row(tier: Any, n: int, many: int, fields: dict[str, str]) -> TierRow:
    place, path = f"tier.{n}", f"tiers[{n}]"
    own = {name: text for name, text in fields.items() if name.startswith(f"{place}.")}
    hidden = [
        (name, text)
        for name, text in own.items()
        if name in (f"{place}.{x}" for x in ("said", "rest", "name.form", "json"))
    ]
    readable = isinstance(tier, dict)
    evidence = tier.get("evidence") if readable else None
    shown = evidence if isinstance(evidence, list) else []
    return TierRow(
        place,
        path,
        own.get(f"{place}.code", ""),
        own.get(f"{place}.name.zh", ""),
        own.get(f"{place}.name.en", ""),
        own.get(f"{place}.note", ""),
        _row(tier.get("when"), f"{place}.when", f"{path}.when", fields, 1) if readable else None,
        [
            _row(node, f"{place}.evidence.{m}", f"{path}.evidence[{m}]", fields, 1, m, len(shown))
            for m, node in enumerate(shown)
        ],
        hidden,
        n == 0,
        n == many - 1,
    )


def _row(
    node: Any, place: str, path: str, fields: dict[str, str], depth: int, n: int = 0, of: int = 1
) -> Row:
    row = Row(
        place,
        path,
        fields.get(f"{place}.is", "line"),
        fields.get(f"{place}.subject", ""),
        fields.get(f"{place}.op", ""),
        fields.get(f"{place}.value", ""),
        fields.get(f"{place}.k", ""),
        fields.get(f"{place}.json", ""),
        depth=depth,
        is_first=n == 0,
        is_last=n == of - 1,
    )
    if kind := group_kind(node):
        key = GROUPS[kind]
        row.items = [
            _row(item, f"{place}.{m}", f"{path}.{key}[{m}]", fields, depth + 1, m, len(node[key]))
            for m, item in enumerate(node[key])
        ]
    elif row.kind == "kept":
        row.words = words_of(node) or row.json
    return row


def _score_rows(fields: dict[str, str]) -> list[ScoreRow]:
    rows: list[ScoreRow] = []
    while (code := fields.get(f"score.{len(rows)}.code")) is not None:
        score = ScoreRow(f"score.{len(rows)}", f"scores.{code}", code, [])
        while (part := _part_row(fields, score, len(score.parts))) is not None:
            score.parts.append(part)
        rows.append(score)
    return rows


def _part_row(fields: dict[str, str], score: ScoreRow, n: int) -> PartRow | None:
    place = f"{score.place}.part.{n}"
    if f"{place}.fact" not in fields and f"{place}.json" not in fields:
        return None
    fact, by, full, points, steps, base, kept = (
        fields.get(f"{place}.{name}", "")
        for name in ("fact", "by", "full", "points", "steps", "base", "json")
    )
    return PartRow(place, f"{score.path}.parts[{n}]", fact, by, full, points, steps, base, kept)


def _put(draft: Draft, problem: Problem) -> None:
    """The sentence beside the deepest place that the problem's path leads to."""
    trouble = _trouble(problem)
    for tier in draft.tiers:
        if not _leads(problem.path, tier.path):
            continue
        rows = [row for row in tier.rows if _leads(problem.path, row.path)]
        (max(rows, key=lambda row: len(row.path)) if rows else tier).troubles.append(trouble)
        return
    for score in draft.scores:
        if _leads(problem.path, score.path):
            parts = [part for part in score.parts if _leads(problem.path, part.path)]
            (parts[0] if parts else score).troubles.append(trouble)
            return
    draft.troubles.setdefault(problem.path.partition(".")[0], []).append(trouble)


def _leads(path: str, to: str) -> bool:
    return path == to or path.startswith((f"{to}.", f"{to}["))


def _trouble(problem: Problem) -> Trouble:
    param, words = _BLANKS.get(problem.code, ("", ""))
    if words and not problem.params.get(param):
        return Trouble(str(words), True)
    if problem.code in _TODO:
        return Trouble(str(_TODO[problem.code]), True)
    if problem.code in _WORDS:
        return Trouble(str(_WORDS[problem.code]) % problem.params, False)
    return Trouble(problem_sentence(replace(problem, path="")), False)
