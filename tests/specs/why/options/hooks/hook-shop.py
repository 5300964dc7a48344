"""A hook in PyInstaller's form."""

hiddenimports = ["shop.taxes"]
excludedimports = ["tty"]
