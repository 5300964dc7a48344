"""What small objects take of memory, in megabytes: much of it, again without them, and under a limit until none is left."""

import os
import resource
import sys


def megabytes(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":")) // 1024


def objects(count):
    return [(number,) for number in range(300, 300 + count)]


before = megabytes("VmRSS")
kept = objects(400_000)
full = megabytes("VmRSS")
child = os.fork()
if child == 0:
    # Writes to every object: its count of references.
    copy = list(kept)
    os._exit(0 if len(copy) == len(kept) and sum(one[0] for one in copy) == sum(one[0] for one in kept) else 1)
status = os.waitpid(child, 0)[1]
del kept
after = megabytes("VmRSS")

size = megabytes("VmSize")
resource.setrlimit(resource.RLIMIT_AS, ((size + 40) << 20, (size + 40) << 20))
blocks = []
try:
    while True:
        blocks.append(objects(1000))
except MemoryError:
    count = len(blocks)
    del blocks
print(full - before, after - before, status, count)
