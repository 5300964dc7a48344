from . import child  # noqa
