NAME = "found"
