value = "pieces"
