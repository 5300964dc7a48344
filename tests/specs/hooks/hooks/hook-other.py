def hook(hook_api):
    hook_api.del_imports("rlcompleter")
