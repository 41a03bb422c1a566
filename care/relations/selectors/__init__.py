"""The questions about the long relation."""
