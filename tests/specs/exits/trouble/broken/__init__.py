from . import part  # noqa: F401
