NAME = "by a hook"
