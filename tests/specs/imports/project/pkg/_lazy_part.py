attribute = "lazily"
