"""The rule editor without a page: a form's fields out of a scheme's JSON and back, and its buttons. Pure."""

from tiering.editor.buttons import MOST_TIERS, press
from tiering.editor.fields import DEEPEST, from_fields, to_fields
from tiering.editor.nodes import BLANK, GROUPS, LEAVES, group_kind, line_of

__all__ = [
    "BLANK", "DEEPEST", "GROUPS", "LEAVES", "MOST_TIERS", "from_fields", "group_kind", "line_of", "press", "to_fields",
]  # fmt: skip
