"""Doors of this room: why a guest stands where, the schemes, the rule editor."""
