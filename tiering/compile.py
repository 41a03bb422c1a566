"""A rule tree as one SQL expression over the columns of `tiering.query`.

Pure. Thresholds are compared exactly: `numerator * b op a * denominator` for a threshold a/b, in integers.
An expression may come out NULL where a fact is absent; SQL's CASE and FILTER treat that as "does not hold".
"""

from tiering import facts
from tiering.rules import UNRATED, Compare, Group, Judged, Node, Otherwise, Scheme, Tagged, lines_of


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
    assert isinstance(node, Otherwise)
    return "true"


def _comparison(node: Compare) -> str:
    if not facts.is_measured(node.fact):
        return "false"
    op = "<>" if node.op == "!=" else node.op
    top, bottom = node.value.numerator, node.value.denominator
    left = f"f.{node.fact}" if bottom == 1 else f"f.{node.fact} * {bottom}"
    per = denominator(node.fact)
    right = f"{top}::bigint" if per == "1" else f"{top}::bigint * {per}"
    return f"({left} {op} {right})"


def denominator(key: str) -> str:
    """The SQL of a fact's denominator: a constant, or the column beside it."""
    if facts.shared(key) or facts.CATALOGUE[key].per_column:
        return f"f.{key}__per"
    return str(facts.CATALOGUE[key].per)


def tier_case(scheme: Scheme) -> str:
    """The SQL expression of the tier of a ladder: the highest that holds wins."""
    whens = "".join(f" WHEN {condition(tier.when)} THEN {quoted(tier.code)}" for tier in scheme.tiers)
    return f"CASE WHEN f.unrated IS NOT NULL THEN '{UNRATED}'{whens} ELSE {quoted(scheme.fallback)} END"


def reasons_array(scheme: Scheme, tier_column: str) -> str:
    """The SQL of the jsonb list of names of the lines that held for the tier in `tier_column`."""
    cases = []
    for tier in scheme.tiers:
        held = ", ".join(
            f"CASE WHEN {condition(node)} THEN {quoted(name)} END" for name, node in lines_of(tier)
        )
        cases.append(f"WHEN {quoted(tier.code)} THEN to_jsonb(array_remove(ARRAY[{held}]::text[], NULL))")
    # Unrated by the fallback is unrated without a gap: nothing held, nothing is missing.
    told = f"CASE {tier_column} WHEN '{UNRATED}' THEN f.unrated {' '.join(cases)} END"
    return f"coalesce({told}, '[]'::jsonb)"


def facts_object(keys: list[str]) -> str:
    """The SQL of the jsonb object of the facts used: integers, or [numerator, denominator]."""
    pairs = []
    for key in keys:
        per = denominator(key)
        value = f"f.{key}"
        if per != "1":
            value = f"CASE WHEN f.{key} IS NOT NULL THEN jsonb_build_array(f.{key}, {per}) END"
        pairs.append(f"'{key}', {value}")
    # jsonb_build_object takes at most 100 arguments; a scheme never names 50 facts.
    return f"jsonb_build_object({', '.join(pairs)})"
