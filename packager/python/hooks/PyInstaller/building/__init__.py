"""What a specification makes: the classes are written down as they are called, and nothing is built."""
