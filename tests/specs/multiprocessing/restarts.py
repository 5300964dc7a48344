"""Prints its arguments. With `again` as the first it starts `sys.executable` with the others."""

import multiprocessing
import subprocess
import sys

if __name__ == "__main__":
    print(multiprocessing.current_process().name, sys.argv[1:], flush=True)
    if sys.argv[1:2] == ["again"]:
        sys.exit(subprocess.run([sys.executable, *sys.argv[2:]]).returncode)
