"""A subpackage with data of its own."""
