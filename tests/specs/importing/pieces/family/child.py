value = "child"
