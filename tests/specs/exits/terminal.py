"""Runs a command on a terminal of its own and types: `terminal.py TEXT COMMAND…`. Prints what the terminal shows."""

import os
import pty
import select
import sys
import time

# A program that is interrupted says when it is ready for that; others may be typed at before they ask.
INTERRUPT = b"\x03"


def main():
    typed, command = sys.argv[1].encode(), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    shown = b""
    started = time.monotonic()
    while True:
        ready = select.select([terminal], [], [], 0.1)[0]
        if ready:
            try:
                text = os.read(terminal, 4096)
            except OSError:  # the other side is closed
                break
            if not text:
                break
            shown += text
        elif typed and (shown or typed != INTERRUPT and time.monotonic() - started > 0.5):
            end = typed.find(b"\n") + 1 or 1
            os.write(terminal, typed[:end])
            typed = typed[end:]
    status = os.waitpid(child, 0)[1]
    print(shown.decode().replace("\r\n", "\n"))
    print("signal", os.WTERMSIG(status)) if os.WIFSIGNALED(status) else print("code", os.WEXITSTATUS(status))


main()
