"""A command with options and a table, as command-line tools print them."""

import click
import httpx
from rich.console import Console
from rich.table import Table


@click.command()
@click.option("--n", default=3)
def main(n):
    table = Table("i", "sq")
    for i in range(n):
        table.add_row(str(i), str(i * i))
    Console().print(table)
    print(httpx.__version__)


main()
