"""Says hello; with arguments, imports these modules and sums up what is in them."""

import importlib
import pkgutil
import sys

if len(sys.argv) > 1:
    print(sum(importlib.import_module(name).NUMBER for name in sys.argv[1:]))
    import many

    print(sum(1 for _ in pkgutil.walk_packages(many.__path__, "many.")))
    try:
        import many.part50.module999
    except ImportError as error:
        print(error)
else:
    print("hello")
