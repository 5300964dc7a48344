"""Makes much that only the collector takes away again."""

MADE = 0
for MADE in range(1, 3_000_001):
    one = []
    one.append(one)
