VALUE = 1


def value_of():
    from .deep.er import bottom

    return bottom.NAME
