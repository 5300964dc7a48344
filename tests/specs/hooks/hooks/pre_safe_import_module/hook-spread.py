import importlib.util
import os


def pre_safe_import_module(api):
    directory = os.path.dirname(importlib.util.find_spec("spread").origin)
    api.append_package_path(os.path.join(os.path.dirname(directory), "more"))
