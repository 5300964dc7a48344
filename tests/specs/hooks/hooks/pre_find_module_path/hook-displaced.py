import os


def pre_find_module_path(api):
    assert api.module_name == "displaced"
    api.search_dirs = [os.path.join(directory, "away") for directory in api.search_dirs]
