import sys
import types

module = types.ModuleType("silent_" + "made")
module.NAME = "made"
sys.modules[module.__name__] = module

import silent_made  # noqa: E402

NAME = silent_made.NAME
