Fourth = 4
