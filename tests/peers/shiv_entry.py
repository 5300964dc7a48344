"""Where a shiv archive starts the program: shiv calls a function, and the programs are scripts."""

import runpy


def main() -> None:
    runpy.run_module("program", run_name="__main__", alter_sys=True)
