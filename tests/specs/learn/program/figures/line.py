NAME = "line"
