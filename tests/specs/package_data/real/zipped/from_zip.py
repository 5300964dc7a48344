"""Imported out of an archive on the real disk."""

value = "zipped"
