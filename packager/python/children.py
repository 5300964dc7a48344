"""What a helper process of multiprocessing's or loky's is to call, read out of its command line.

In a frozen program this is the module `_snapfreeze_children`. The executable has matched the whole text against the
closed list of forms before; here it is read, never run.
"""

import ast
import functools
import importlib
from typing import Any, Callable


def spawned() -> Callable[[], None]:
    """Return what serves `--multiprocessing-fork …`: it runs a child process's work and ends with its exit code."""
    from multiprocessing.spawn import freeze_support

    return freeze_support


def main_call(text: str) -> Callable[[], Any]:
    """Return the call in `[import sys; ]from MODULE import main; main(LITERALS)`."""
    *_, statement, expression = ast.parse(text).body
    if not isinstance(statement, ast.ImportFrom) or statement.module is None:
        raise ValueError(f"no import of main: {text!r}")
    if not isinstance(expression, ast.Expr) or not isinstance(expression.value, ast.Call):
        raise ValueError(f"no call of main: {text!r}")
    call = expression.value
    keywords: dict[str, Any] = {}
    for keyword in call.keywords:
        value = ast.literal_eval(keyword.value)
        keywords.update(value if keyword.arg is None else {keyword.arg: value})
    main = importlib.import_module(statement.module).main
    return functools.partial(main, *map(ast.literal_eval, call.args), **keywords)
