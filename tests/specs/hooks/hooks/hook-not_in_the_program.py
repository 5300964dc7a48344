raise RuntimeError("a hook for what is not in the program")
