"""A package with a large file, which the test writes."""
