NAME = "by __import__"
