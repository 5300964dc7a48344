import os
import sys

# Only the program itself knows.
if getattr(sys.modules["__main__"], "SPREADS", False):
    __path__.append(os.path.join(os.path.dirname(os.path.dirname(__file__)), "more"))
