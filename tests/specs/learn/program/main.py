"""Does what its arguments say: imports and reads what no source names."""

import importlib
import os
import signal
import subprocess
import sys
import time
from typing import Callable

import drawing


def load(name: str) -> None:
    print(importlib.import_module(name).NAME, flush=True)


def read(name: str) -> None:
    print(drawing.read(name), flush=True)


def in_child(method: str) -> "Callable[[str], None]":
    def run(name: str) -> None:
        import multiprocessing

        process = multiprocessing.get_context(method).Process(target=load, args=(name,))
        process.start()
        process.join()

    return run


def directory() -> str:
    return os.path.dirname(os.path.abspath(__file__))


def in_python(name: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {name}"], cwd=directory(), check=True)


def add_path(name: str) -> None:
    sys.path.insert(0, os.path.join(directory(), name))


def version(name: str) -> None:
    import importlib.metadata

    print(importlib.metadata.version(name), flush=True)


def again(word: str) -> None:
    os.execv(sys.executable, [sys.executable, *sys.argv[:1], word])


def give_name(name: str) -> None:
    sys.modules["line"] = importlib.import_module(name)


def wait(name: str) -> None:
    with open(name, "w"):
        pass
    while True:
        time.sleep(60)


ACTIONS = {
    "i": load,
    "r": read,
    "s": in_child("spawn"),
    "f": in_child("fork"),
    "p": in_python,
    "+": add_path,
    "a": give_name,
    "v": version,
    "e": again,
    "w": wait,
    "x": lambda code: sys.exit(int(code)),
    "_": lambda code: os._exit(int(code)),
    "k": lambda _: os.kill(os.getpid(), signal.SIGKILL),
}

if __name__ == "__main__":
    for word in sys.argv[1:]:
        ACTIONS[word[0]](word[1:])
