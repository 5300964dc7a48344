"""Installed editable by a .pth file that names its directory."""

from .inside import NAME
