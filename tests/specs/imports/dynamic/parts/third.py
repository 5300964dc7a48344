Third = 3
