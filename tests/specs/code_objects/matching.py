"""Syntax of CPython 3.10."""


def matches(x):
    match x:
        case {"a": 1, **rest}:
            return rest
        case [1, 2, *others] | (3, *others):
            return others
        case str() as text if text:
            return text
        case complex(real=0.0, imag=-1.5) | None | -1j:
            return 1
        case _:
            with (open(x) as a, open(x) as b):
                return a, b
