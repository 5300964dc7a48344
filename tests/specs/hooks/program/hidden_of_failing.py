NAME = "of failing"
