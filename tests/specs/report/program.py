"""A program with distributions, native code, data, and imports that are not followed."""

import click
import requests
from PIL import Image


@click.command()
def main():
    size = Image.new("1", (2, 2)).size
    click.echo(f"{requests.__name__} {size}")


main()
