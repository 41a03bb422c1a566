"""The verbs of this room."""

import customers.sentences  # noqa: F401  (their refusals have words)
