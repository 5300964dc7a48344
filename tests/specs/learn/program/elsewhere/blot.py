NAME = "blot"
