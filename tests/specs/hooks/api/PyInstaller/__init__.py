raise ImportError("an installed PyInstaller is not used")
