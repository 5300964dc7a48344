from .. import leaf  # noqa: F401
