"""Run by its path."""

value = __name__
print("a real script", __name__, __file__.endswith("script.py"))
