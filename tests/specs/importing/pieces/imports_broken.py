def calls():
    import pieces.broken  # noqa


calls()
