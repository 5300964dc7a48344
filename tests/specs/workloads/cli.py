"""A command with a table, as command-line tools print them."""

import click
import httpx
from rich.console import Console
from rich.table import Table


@click.command()
@click.option("--rows", default=3, help="How many rows.")
def main(rows: int) -> None:
    table = Table("number", "square", title="Squares")
    for number in range(rows):
        table.add_row(str(number), f"[bold]{number * number}[/bold]")
    Console().print(table)
    print(httpx.__version__, httpx.URL("http://example.invalid/a?b=c").params)


main()
