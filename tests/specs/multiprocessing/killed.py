"""Is killed while it has shared memory, which the resource tracker then takes away."""

import os
import signal
from multiprocessing import shared_memory

memory = shared_memory.SharedMemory(create=True, size=16)
print(memory.name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
