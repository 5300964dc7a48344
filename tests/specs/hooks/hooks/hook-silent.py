from PyInstaller.utils.hooks.nothing import something  # noqa

hiddenimports = ["hidden_of_failing"]
