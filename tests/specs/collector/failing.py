"""Cannot be imported."""

import asyncio

ONES = [[one] for one in range(10_000)]
1 / 0
