def fail():
    return {}["absent"]


def raise_from():
    try:
        fail()
    except KeyError as error:
        raise ValueError("from") from error


def raise_during():
    try:
        fail()
    except KeyError:
        raise TypeError("during")


def raise_from_none():
    try:
        fail()
    except KeyError:
        raise TypeError("alone") from None
