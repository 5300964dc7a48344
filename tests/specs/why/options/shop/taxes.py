"""Only a hook names it."""
