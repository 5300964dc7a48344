NAME = "by call"
