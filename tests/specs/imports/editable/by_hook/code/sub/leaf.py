NAME = "below a hook"
