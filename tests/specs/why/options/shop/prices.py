"""Only the stub imports it."""
