"""Reads files beside it by names that only its caller knows."""

from pathlib import Path


def read(name: str) -> str:
    return (Path(__file__).parent / name).read_text().strip()
