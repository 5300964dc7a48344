"""A command-line program with options, colours and a table."""

import click
from rich.console import Console
from rich.table import Table


@click.command()
@click.option("--rows", default=3, show_default=True, help="How many rows to print.")
@click.argument("title", default="Squares")
def main(rows: int, title: str) -> None:
    """Prints a table of squares."""
    table = Table("number", "square", title=title)
    for number in range(rows):
        table.add_row(str(number), f"[bold]{number * number}[/bold]")
    Console().print(table)


if __name__ == "__main__":
    main()
