"""A portion of a namespace package."""

value = "inner"
