NAME = "deleted"
