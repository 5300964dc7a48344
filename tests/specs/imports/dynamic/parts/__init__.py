import os.path

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules={"first"}, submod_attrs={"second": ["SECOND"]})


def script_path() -> str:
    return os.path.join(os.path.dirname(__file__), "run_alone.py")
