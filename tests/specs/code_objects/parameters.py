"""Syntax of CPython 3.12."""

type Pair[T: (int, str), *Ts, **P] = tuple[T, T]


def generic[T](x: T, *rest: T) -> list[T]:
    type Local = T | None
    return [x, *rest, Local]


class Box[T]:
    held: T

    def get(self) -> T:
        return [y for y in [self] if (z := y)], f"{self!r:{'>'}{10 + len(f'{self}')}}", __class__


def hidden(x):
    x = [[x for x in range(x)] for x in x]
    return lambda: [y for y in x if x]
