"""Calls of functions in a child process: what they import or change stays there."""

import functools
import os
import pickle
import traceback
from typing import Any, Callable, TypeVar

__all__ = ["Python", "SubprocessDiedError", "call", "decorate"]

Function = TypeVar("Function", bound="Callable[..., Any]")


class SubprocessDiedError(RuntimeError):
    """The child ended without an answer."""


def call(function: "Callable[..., Any]", *args: Any, **kwargs: Any) -> Any:
    """Calls a function in a child process. Returns its value, or raises RuntimeError with its traceback."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            answer = pickle.dumps((True, function(*args, **kwargs)))
        except BaseException as error:
            last = traceback.format_exception_only(type(error), error)[-1].strip()
            answer = pickle.dumps((False, last))
        try:
            with os.fdopen(writer, "wb") as stream:
                stream.write(answer)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    if not data:
        raise SubprocessDiedError(f"the child process ended with status {status} and no answer")
    succeeded, value = pickle.loads(data)
    if not succeeded:
        raise RuntimeError(f"in a child process: {value}")
    return value


def decorate(function: "Function") -> "Function":
    """Makes every call of a function one in a child process."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return call(function, *args, **kwargs)

    return wrapped  # type: ignore[return-value]


class Python:
    """Child processes for several calls. Each call has one of its own here."""

    def __init__(self, strict_mode: "bool | None" = None) -> None:
        self._strict_mode = strict_mode

    def __enter__(self) -> "Python":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, function: "Callable[..., Any]", *args: Any, **kwargs: Any) -> Any:
        """As the function `call`."""
        return call(function, *args, **kwargs)
