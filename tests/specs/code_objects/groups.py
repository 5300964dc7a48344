"""Syntax of CPython 3.11."""


def groups():
    try:
        raise ExceptionGroup("several", [ValueError(1), TypeError("é")])
    except* ValueError as error:
        found = error
    except* (TypeError, OSError):
        found = None
    return found


def unpacks(*args: *tuple[int, ...]):
    return args[*args]
