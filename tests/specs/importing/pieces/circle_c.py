import pieces.circle_d

seen = [name for name in vars(pieces.circle_d) if not name.startswith("__")]
