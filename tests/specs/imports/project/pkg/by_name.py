NAME = "by name"
