hiddenimports = ["hidden_installed"]
