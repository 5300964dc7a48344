"""What is made for macOS."""

from PyInstaller.building.api import Made


class BUNDLE(Made):
    """An application bundle."""
