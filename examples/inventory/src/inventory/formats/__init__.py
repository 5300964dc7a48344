"""One module a format, each with `formatted(stock)`."""
