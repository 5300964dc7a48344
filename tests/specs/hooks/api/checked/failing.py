raise RuntimeError("importing this fails")
