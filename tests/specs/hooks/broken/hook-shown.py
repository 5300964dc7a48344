hiddenimports = ["hidden_absolute", 1]
