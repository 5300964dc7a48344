GREETING = "hello from the package"
