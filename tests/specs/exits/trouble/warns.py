import warnings


def warn_caller():
    warnings.warn("from a module", UserWarning, stacklevel=2)
