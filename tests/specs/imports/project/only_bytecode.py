NAME = "without source"


def double(number):
    return number * 2
