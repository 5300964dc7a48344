"""A package of the program itself: it has no metadata."""
