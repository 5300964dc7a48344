NAME = "second portion"
