import os

SEPARATOR = os.sep


def optional():
    try:
        import tabnanny
        import this_is_only_here

        return [tabnanny.__name__, this_is_only_here.NAME]
    except ImportError as error:
        return str(error)
