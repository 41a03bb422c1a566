"""Rules: the tree a restaurant's scheme is made of, read, checked, evaluated and explained.

Pure: no clock, no database. Source of the form: docs/rules/tiering.md.
"""

from tiering.rules.deciding import (
    by_rules,
    compare,
    decide,
    explain,
    holds,
    kept_by,
    lowered,
    points_of,
    reasons,
    score_of,
)
from tiering.rules.reading import MANDATORY, PROFILE, read_node, read_scheme
from tiering.rules.tree import (
    MAX_DEPTH,
    OPS,
    TOGETHER,
    UNRATED,
    BadScheme,
    Compare,
    Group,
    Judged,
    Known,
    Line,
    Needs,
    Node,
    Otherwise,
    Part,
    Prior,
    Problem,
    Profiled,
    Scheme,
    Score,
    Tagged,
    Tier,
    facts_used,
    leaves,
    lines_of,
    needs_of,
)

__all__ = [
    "MANDATORY", "MAX_DEPTH", "OPS", "PROFILE", "TOGETHER", "UNRATED", "BadScheme", "Compare", "Group", "Judged",
    "Known", "Line", "Needs", "Node", "Otherwise", "Part", "Prior", "Problem", "Profiled", "Scheme", "Score",
    "Tagged", "Tier", "by_rules", "compare", "decide", "explain", "facts_used", "holds", "kept_by", "leaves",
    "lines_of", "lowered", "needs_of", "points_of", "read_node", "read_scheme", "reasons", "score_of",
]  # fmt: skip
