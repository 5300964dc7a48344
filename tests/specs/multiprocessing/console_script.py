"""What an installer makes of the entry point `package.work:run`."""

import sys

from package.work import run

if __name__ == "__main__":
    sys.exit(run())
