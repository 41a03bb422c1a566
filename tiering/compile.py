"""A rule tree as one SQL expression over the columns of `tiering.query`.

Pure. Thresholds are compared exactly: `numerator * b op a * denominator` for a threshold a/b, in integers.
An expression may come out NULL where a fact is absent; SQL's CASE and FILTER treat that as "does not hold".
"""

from fractions import Fraction
from functools import lru_cache

from tiering import facts
from tiering.rules import (
    TOGETHER,
    UNRATED,
    Compare,
    Group,
    Judged,
    Node,
    Otherwise,
    Part,
    Profiled,
    Scheme,
    Score,
    Tagged,
    Tier,
    lines_of,
    lowered,
)


def quoted(text: str) -> str:
    """A SQL string literal (codes and words come from schemes that people write)."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def condition(node: Node) -> str:
    """The SQL condition under which `node` holds for a row of the fact columns."""
    if isinstance(node, Group):
        parts = [condition(item) for item in node.items]
        if node.k == len(parts):
            return "(" + " AND ".join(parts) + ")"
        if node.k == 1:
            return "(" + " OR ".join(parts) + ")"
        return "(" + " + ".join(f"coalesce({part}, false)::int" for part in parts) + f" >= {node.k})"
    if isinstance(node, Compare):
        return _comparison(node)
    if isinstance(node, Tagged):
        return f"({quoted(node.word)} = ANY(f.tags))"
    if isinstance(node, Judged):
        return f"({quoted(node.code)} = ANY(f.judged))"
    if isinstance(node, Profiled):
        words = [quoted(lowered(word)) for word in node.words]
        if node.within:
            return "(" + " OR ".join(f"strpos(f.profile_{node.field}, {word}) > 0" for word in words) + ")"
        return f"(f.profile_{node.field} IN ({', '.join(words)}))"
    assert isinstance(node, Otherwise)
    return "true"


def _comparison(node: Compare) -> str:
    if not facts.is_measured(node.fact):
        return "false"
    op = "<>" if node.op == "!=" else node.op
    return f"({_against(node.fact, op, node.value)})"


def _against(key: str, op: str, threshold: Fraction, row: str = "f") -> str:
    """`fact op threshold` in integers; in the short number where it tells the two sides of the threshold apart."""
    top, bottom = threshold.numerator, threshold.denominator
    apart = threshold if op in (">=", "<") else threshold + 1
    short_to = facts.short_of(key)
    column = f"{key}__short" if short_to and apart <= short_to else key
    left = f"{row}.{column}" if bottom == 1 else f"{row}.{column} * {bottom}"
    per = denominator(key, row)
    right = f"{top}::bigint" if per == "1" else f"{top}::bigint * {per}"
    return f"{left} {op} {right}"


def denominator(key: str, row: str = "f") -> str:
    """The SQL of a fact's denominator: a constant, or the column beside it."""
    per = facts.per_of(key)
    return f"{row}.{key}__per" if per is None else str(per)


def points(score: Score, row: str) -> str:
    """The SQL of a score over the columns of `row`, in hundredths of a point."""
    return "(" + " + ".join(_part(part, row) for part in score.parts) + ")"


def _part(part: Part, row: str) -> str:
    if not facts.is_measured(part.fact):
        return "0"
    if part.steps:
        whens = "".join(
            f" WHEN {_against(part.fact, '>=', threshold, row)} THEN {given * facts.SCORE_PER}"
            for threshold, given in reversed(part.steps)
        )
        absent = f" WHEN {row}.{part.fact} IS NULL THEN 0"
        return f"CASE{absent}{whens} ELSE {part.base * facts.SCORE_PER} END"
    assert part.full is not None
    # Rounded down to the hundredth: div() of numerics cannot overflow and drops the rest. LEAST passes over a NULL,
    # so that an absent fact is asked for by itself.
    full, per = part.full, denominator(part.fact, row)
    whole = f"({full.numerator}::numeric * {per})"
    reached = f"least({row}.{part.fact}::numeric * {full.denominator}, {whole})"
    given = abs(part.points) * facts.SCORE_PER
    sign = "-" if part.points < 0 else ""
    reckoned = f"coalesce(div({given} * {reached}, nullif({whole}, 0)), 0)::bigint"
    return f"CASE WHEN {row}.{part.fact} IS NULL THEN 0 ELSE {sign}{reckoned} END"


def tier_case(scheme: Scheme) -> str:
    """The SQL of what the rules alone say: of a ladder the highest tier that holds, of labels all that hold, joined."""
    unrated = f"CASE WHEN f.unrated IS NOT NULL THEN '{UNRATED}'"
    if scheme.is_ladder:
        whens = "".join(f" WHEN {condition(tier.when)} THEN {quoted(tier.code)}" for tier in scheme.tiers)
        return f"{unrated}{whens} ELSE {quoted(scheme.fallback)} END"
    held = ", ".join(
        f"CASE WHEN {condition(tier.when)} THEN {quoted(tier.code)} END" for tier in scheme.tiers
    )
    joined = f"nullif(array_to_string(ARRAY[{held}]::text[], '{TOGETHER}'), '')"
    return f"{unrated} ELSE coalesce({joined}, {quoted(scheme.fallback)}) END"


@lru_cache(maxsize=512)
def decided(scheme: Scheme) -> str:
    """The CTE `t` over `f`: every column of it, `ruled` (what the rules say) and `tier` (what is decided).

    A tier given by hand stands above the rules; a scheme that protects lets the tier of before stand for a while,
    which `kept` says (`stay`, `grace`); there OFFSET keeps the long expression from being computed once a mention.
    """
    codes = ", ".join(quoted(code) for code in scheme.codes)
    kept = "NULL::text"
    if scheme.protects:
        ranks = " ".join(f"WHEN {quoted(code)} THEN {n}" for n, code in enumerate(scheme.codes))
        rank = f"CASE {{}} {ranks} ELSE {len(scheme.codes)} END"
        stays = f"%(day)s < r.prior_since + {scheme.min_stay_days}"
        grace = f"%(day)s < coalesce(r.fading_since, %(day)s) + {scheme.grace_days}"
        kept = (
            f"CASE WHEN r.unrated IS NULL AND r.prior IN ({codes}) AND {rank.format('r.ruled')} > {rank.format('r.prior')} "
            f"THEN CASE WHEN r.given = r.prior THEN 'hand' WHEN r.given IN ({codes}) THEN NULL "
            f"WHEN {stays} THEN 'stay' WHEN {grace} THEN 'grace' END END"
        )
    by_hand = f"CASE WHEN {{row}}.given IN ({codes}) THEN {{row}}.given"
    rules = tier_case(scheme)
    if not scheme.protects:
        tier = f"{by_hand.format(row='f')} ELSE {rules} END"
        return f"t AS (SELECT f.*, {rules} AS ruled, {tier} AS tier, {kept} AS kept FROM f)"
    return (
        f"t AS (SELECT k.*, {by_hand.format(row='k')} WHEN k.kept IS NOT NULL THEN k.prior ELSE k.ruled END AS tier "
        f"FROM (SELECT r.*, {kept} AS kept FROM (SELECT f.*, {rules} AS ruled FROM f OFFSET 0) r OFFSET 0) k OFFSET 0)"
    )


@lru_cache(maxsize=512)
def reasons_array(scheme: Scheme) -> str:
    """The SQL of the jsonb list of reasons of a row of `t` (named `f`): the lines that held for the tier decided.

    Of an unrated guest what is missing, of a tier by hand that it was, of one that a protection kept which.
    """
    if scheme.is_ladder:
        cases = " ".join(f"WHEN {quoted(tier.code)} THEN {_held(tier)}" for tier in scheme.tiers)
        told = f"CASE f.tier WHEN '{UNRATED}' THEN f.unrated {cases} END"
    else:
        parts = " || ".join(
            f"CASE WHEN {condition(tier.when)} THEN {_held(tier)} ELSE '[]'::jsonb END"
            for tier in scheme.tiers
        )
        told = f"CASE f.tier WHEN '{UNRATED}' THEN f.unrated ELSE {parts} END"
    by_hand = (
        "jsonb_build_array(jsonb_build_object('code', 'override', 'id', f.given_id, 'until', f.given_until))"
    )
    kept = (
        "WHEN f.kept IS NOT NULL THEN jsonb_build_array(jsonb_build_object('code', f.kept)) "
        if scheme.protects
        else ""
    )
    # Unrated by the fallback is unrated without a gap: nothing held, nothing is missing.
    return f"CASE WHEN f.given = f.tier THEN {by_hand} {kept}ELSE coalesce({told}, '[]'::jsonb) END"


def _held(tier: Tier) -> str:
    names = ", ".join(f"CASE WHEN {condition(node)} THEN {quoted(name)} END" for name, node in lines_of(tier))
    return f"to_jsonb(array_remove(ARRAY[{names}]::text[], NULL))"


@lru_cache(maxsize=512)
def facts_object(keys: tuple[str, ...]) -> str:
    """The SQL of the jsonb object of the facts used: integers, or [numerator, denominator]."""
    pairs = []
    for key in keys:
        per = denominator(key)
        value = f"f.{key}"
        if per != "1":
            value = f"CASE WHEN f.{key} IS NOT NULL THEN jsonb_build_array(f.{key}, {per}) END"
        pairs.append(f"'{key}', {value}")
    # A function takes at most 100 arguments.
    chunks = [pairs[start : start + 50] for start in range(0, len(pairs), 50)] or [[]]
    return " || ".join(f"jsonb_build_object({', '.join(chunk)})" for chunk in chunks)
