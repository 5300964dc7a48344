"""Constants and functions of every kind that a compiler makes code objects of."""

import functools

EMPTY = ""
TEXTS = (
    "", "a", "_", "-", " ", "é", "ÿ", "Ā", "名", "🐍", "name", "a name", "naïve", "名前", "\x00", "a\x00b", "\x7f",
    "\ud800", "a\udfff", "\udc80\udcff", "x" * 1000, "x y" * 1000, "é" * 1000, "🐍" * 1000,
)
BYTES = (b"", b"\x00", b"a", b"\xff", b"ab", b"\x00\x00", bytes(), b"name", b"\x80" * 1000)
NUMBERS = (
    0, 1, -1, -5, -6, 256, 257, 2**15 - 1, 2**15, -(2**15), -(2**15) - 1, 2**30 - 1, 2**30, -(2**30), 2**31 - 1, 2**31,
    -(2**31), -(2**31) - 1, 2**60, 2**63 - 1, 2**63, -(2**63), 2**64, 10**100, -(10**100), True, False,
)
FLOATS = (0.0, -0.0, 1.0, -1.5, 1e308 * 10, -1e308 * 10, 1e308 * 10 - 1e308 * 10, 5e-324, 0.1)
COMPLEX = (0j, -0j, 1j, 1 + 2j, complex(0.0, -0.0), 1e308 * 10 * 1j)
NESTED = ((), ((),), ((1, ("a", (b"b", (None, (True, (..., (1.5, (2j,)))))))),), (1, 1.0, True), ("a", b"a"))
DEEP = ((((((((((((((((((((((((((((((((((((((((1,),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),),)


def membership(x):
    return (
        x in {"a", "b", "not a name", ""}, x in {1, 2, 3, 2**70}, x in {None, True, ..., 1.5}, x in {(1, 2), ("a", ())},
        x in {b"a", "a", 0, 0.5}, x in {"é", "名"}, [y for y in {7, 15, 23, 31}], x in {frozenset},
    )  # fmt: skip


def nothing():
    pass


def documented():
    """Only this."""


def arguments(a, b=1, /, c=2, *rest, d, e=(3, "x"), **more):
    def inner():
        return a, b, c, rest, d, e, more

    return inner


def cells_of_arguments(first, second, third, *args, option, **kwargs):
    local = first

    def inner():
        nonlocal local
        local = (kwargs, args, second)
        return lambda: (local, option)

    return inner


def same_constants(x):
    return x, "a name", ("shared", 1.25, (2, "é")), 2**65


def same_constants_again(x):
    return x, "a name", ("shared", 1.25, (2, "é")), 2**65


class Base:
    """A class."""

    annotated: "int" = 1
    __slots_like__ = ("a", "b")

    def method(self):
        return __class__

    @classmethod
    def of_class(cls, __private=1):
        return super().__new__(cls)

    @property
    def naïve(self):
        return self.__dict__

    class Inner:
        def method(self):
            class InFunction:
                value = self

            return InFunction


class Derived(Base, metaclass=type):
    def method(self):
        return super().method()


def generates(count):
    received = yield
    for number in range(count):
        try:
            received = yield number, received
        except ValueError as error:
            yield str(error)
        finally:
            count -= 1
    yield from (x * y for x in range(3) if x for y in range(x))
    return count


async def awaits(source):
    async with source as opened:
        async for item in opened:
            yield await item
    found = [x async for x in source if await x]
    yield {x: [y for y in found if y is not x] for x in found}


def comprehensions(items):
    a = [x for x in items]
    b = {x: y for x, y in zip(items, items)}
    c = {x + z for x in items for z in a if x > z}
    d = [[x for x in range(y)] for y in range(3)]
    e = [lambda: x for x in items]
    return a, b, c, d, [f() for f in e], any((last := x) > 1 for x in items), last


def many_branches(x, *, key=lambda value, default=None: value or default):
    try:
        with open(x) as file, functools.partial(print) as other:
            while x:
                if x > 1 and x < 5 or not x:
                    continue
                elif x == 3:
                    break
            else:
                del x
            assert file, f"{file!r:>{10}} and {other}"
    except (OSError, ValueError):
        raise RuntimeError("no") from None
    except Exception:
        pass
    else:
        return key(x)
    finally:
        globals().clear
    global EMPTY
    EMPTY = x[1:2, ..., ::3]
    a, *b, c = x
    x.y.z += 1
    x[a] |= {**b, "c": c}
    print(*a, **b, sep="")
    return [*a, *b], (*c,), {*a}, -x, ~x, x @ a, x if a else b, a < b < c, a is not b, a not in c


@functools.lru_cache(maxsize=None)
def decorated(x: int, y: "str" = "é") -> "list[int]":
    return [x] * len(y)


def counts():
    """What is run and traced."""
    total = 0
    for number in generates(3):
        total += len(str(number))
    for f in (same_constants, same_constants_again, membership):
        total += len(f(total))
    found = comprehensions([1, 2, 3])
    inner = arguments(1, 2, 3, 4, d=5, f=6)
    Derived().method()
    cells_of_arguments(1, 2, 3, option=4)()()
    return total, len(found), inner(), decorated(2, "ab")


def fails(depth):
    if depth:
        return [fails(depth - 1) for _ in range(1)]
    raise ValueError("the end", "é")
