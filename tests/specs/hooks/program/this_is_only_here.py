NAME = "only here"
