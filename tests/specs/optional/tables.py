"""Uses click, rich and httpx, and says which of the modules in its arguments are there."""

import importlib.util
import sys

import click
import httpx
from rich.console import Console
from rich.table import Table


@click.command()
@click.argument("names", nargs=-1)
def main(names):
    table = Table("name", "there")
    for name in names:
        table.add_row(name, str(importlib.util.find_spec(name) is not None))
    Console(file=sys.stdout, width=60).print(table)
    print(httpx.URL("https://example.org/a").path)


main()
