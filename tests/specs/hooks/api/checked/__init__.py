NAME = "checked"
VALUES = {"a": [1, 2]}
__version__ = "2.5"
