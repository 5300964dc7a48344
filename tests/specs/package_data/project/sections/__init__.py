"""The sections, one module a subject; each function without arguments is one."""

import errno
import os
import sys


def outcome(function, *arguments, **keywords):
    """What a call returns, or the name of its error."""
    try:
        return function(*arguments, **keywords)
    except OSError as error:
        if error.errno is None:
            return type(error).__name__, str(error)
        return type(error).__name__, errno.errorcode.get(error.errno, error.errno), error.filename, error.filename2
    except Exception as error:
        return type(error).__name__, str(error)


def described(status):
    """What of a stat result does not depend on the place."""
    return oct(status.st_mode), status.st_size


def inside(package, *parts):
    """A path below a package's directory."""
    return os.path.join(os.path.dirname(package.__file__), *parts)


def flush():
    """Before another process writes to the same stream."""
    sys.stdout.flush()
    sys.stderr.flush()
