"""The verbs of the long relation."""
