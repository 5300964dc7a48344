"""Notes how the collector is set while this module is imported."""

import gc

SEEN = [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()]
