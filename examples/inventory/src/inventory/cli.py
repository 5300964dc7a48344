"""The command: `inventory NAME=COUNTxPRICE … [--format FORMAT]`."""

from __future__ import annotations

import argparse
import decimal
import importlib

from . import Item, Stock, __version__


def item(text: str) -> Item:
    """Reads `apples=3x0.25`."""
    try:
        name, rest = text.split("=")
        count, price = rest.split("x")
        return Item(name, int(count), decimal.Decimal(price))
    except (ValueError, decimal.InvalidOperation):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=COUNTxPRICE") from None


def main() -> int:
    parser = argparse.ArgumentParser(prog="inventory", description=__doc__)
    parser.add_argument("items", nargs="*", type=item, help="NAME=COUNTxPRICE")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument("--version", action="version", version=__version__)
    arguments = parser.parse_args()
    stock = Stock(arguments.items)
    # Each format is a module of its own, imported when it is asked for.
    if arguments.format == "json":
        formatter = importlib.import_module("inventory.formats.as_json")
    else:
        formatter = importlib.import_module("inventory.formats.as_text")
    print(formatter.formatted(stock))
    return 0 if stock.items else 1
