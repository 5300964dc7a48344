"""Installed editable by a finder on sys.meta_path."""

from .inside import NAME
