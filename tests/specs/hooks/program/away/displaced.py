NAME = "away"
