"""Work for children, and an entry of its own."""

import multiprocessing
import sys


def double(number: int) -> int:
    return number * 2


def where(_number: int) -> tuple[str, str, list[str]]:
    main = sys.modules["__main__"]
    return main.__name__, double.__module__, sys.argv[1:]


def run() -> None:
    print(__name__, __spec__.name)
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.map(double, range(3)), pool.map(where, range(1)))


if __name__ == "__main__":
    run()
