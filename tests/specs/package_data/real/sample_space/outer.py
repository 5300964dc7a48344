"""A portion that is added at run time."""

value = "outer"
