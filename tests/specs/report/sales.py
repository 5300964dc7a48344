"""A program as people freeze it: a table out of a file, a plot, a command line. The documentation has the report on it."""

import click
import httpx
import matplotlib.pyplot as plt
import pandas
from rich.console import Console
from rich.table import Table


@click.command()
@click.argument("source")
def main(source):
    text = httpx.get(source).text if source.startswith("http") else open(source).read()
    sales = pandas.read_csv(text).groupby("region").sum()
    sales.plot(kind="bar")
    plt.savefig("sales.png")
    table = Table("region", "sum")
    for region, row in sales.iterrows():
        table.add_row(region, str(row["sum"]))
    Console().print(table)


if __name__ == "__main__":
    main()
