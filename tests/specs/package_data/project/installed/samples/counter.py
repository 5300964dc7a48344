"""Counts how often it was executed."""

count = globals().get("count", 0) + 1
