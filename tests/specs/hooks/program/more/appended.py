NAME = "appended"
