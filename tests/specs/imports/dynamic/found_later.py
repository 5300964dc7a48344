NAME = "found later"
