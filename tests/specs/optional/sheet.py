"""Reads a sheet with pandas, which needs another distribution for that."""

import sys

import pandas

print(pandas.read_excel(sys.argv[1]).to_csv())
