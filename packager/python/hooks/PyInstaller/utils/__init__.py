"""Where hooks find their functions."""
