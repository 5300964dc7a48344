"""Imported late, when descriptors are closed or directories are changed."""

value = "late"
