NAME = "first portion"
