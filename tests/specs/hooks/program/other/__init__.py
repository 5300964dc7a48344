def optional():
    import tabnanny

    return tabnanny.__name__


def removed():
    try:
        import rlcompleter

        return rlcompleter.__name__
    except ImportError as error:
        return str(error)
