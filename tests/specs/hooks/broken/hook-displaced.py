def hook(hook_api)
    pass
