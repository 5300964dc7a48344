"""A module in a directory that is no package: data, until a program puts the directory on its path."""

value = "plugin"
