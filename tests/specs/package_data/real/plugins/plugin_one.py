"""A plugin of a real directory."""

import samples

name = "one"


def run():
    with open(samples.HERE + "/data/text.txt") as file:
        return file.readline()
