NAME = "in a function"
