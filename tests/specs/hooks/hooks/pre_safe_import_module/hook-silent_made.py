def pre_safe_import_module(api):
    assert (api.module_name, api.module_basename, api.parent_package) == ("silent_made", "silent_made", None)
    api.add_runtime_module(api.module_name)
