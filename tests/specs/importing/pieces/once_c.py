import time

from pieces.counted import counts

time.sleep(0.0001)
counts[__name__] = counts.get(__name__, 0) + 1
