"""Prints the books of a shelf, as a table or as Markdown."""

import argparse
from importlib.resources import files

from rich.console import Console
from rich.table import Table

BOOKS = [("Dune", "Frank Herbert", 1965), ("Solaris", "Stanisław Lem", 1961)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="shelf")
    parser.add_argument("--markdown", action="store_true")
    if parser.parse_args().markdown:
        line = files("shelf").joinpath("templates/book.md").read_text(encoding="utf-8")
        print("".join(line.format(title=title, author=author) for title, author, _ in BOOKS), end="")
        return
    table = Table("Title", "Author", "Year")
    for title, author, year in BOOKS:
        table.add_row(title, author, str(year))
    Console().print(table)
