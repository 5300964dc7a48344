NAME = "absolute"
