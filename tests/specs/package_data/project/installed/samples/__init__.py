"""A package of an installed distribution, with data of all kinds."""

import os

HERE = os.path.dirname(__file__)
