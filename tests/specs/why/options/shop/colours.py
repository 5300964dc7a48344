"""Only an extension module names it."""
