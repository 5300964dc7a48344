NAME = "by relative name"
