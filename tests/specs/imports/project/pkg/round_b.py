from . import round_a


def total():
    return round_a.START + 1
