NAME = "by a path"
