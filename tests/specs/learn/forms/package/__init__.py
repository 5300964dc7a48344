"""A package that runs."""
