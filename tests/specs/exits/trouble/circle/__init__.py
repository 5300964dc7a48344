from . import first  # noqa: F401
