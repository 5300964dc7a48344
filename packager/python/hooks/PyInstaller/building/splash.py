"""What is shown before a program starts."""

from typing import Any

from PyInstaller.building.api import Made


class Splash(Made):
    """A picture."""

    def __init__(self, *contents: Any, **settings: Any) -> None:
        super().__init__(*contents, **settings)
        self.binaries: "list[Any]" = []
