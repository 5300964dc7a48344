"""Prints the peak of its memory in kilobytes, without having touched most of what it has."""

import heavy

with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
