"""For programs."""

import json

from ..stock import Stock


def formatted(stock: Stock) -> str:
    items = {item.name: {"count": item.count, "value": str(item.value)} for item in stock.items}
    return json.dumps({"items": items, "value": str(stock.value)})
