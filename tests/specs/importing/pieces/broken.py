from . import plain  # noqa

raise ValueError("broken", 1)
