"""The verbs of this room."""

import care.sentences  # noqa: F401  (their refusals have words)
