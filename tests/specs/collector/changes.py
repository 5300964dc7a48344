"""Changes the collector, which is a program's own affair."""

import gc

gc.disable()
gc.set_threshold(555, 5, 5)
