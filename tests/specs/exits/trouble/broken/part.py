class Part:
    value = int("not a number")
