NAME = "the real one"
