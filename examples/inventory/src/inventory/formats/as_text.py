"""For people."""

from ..stock import Stock


def formatted(stock: Stock) -> str:
    lines = [f"{item.name:<12}{item.count:>6}{item.value:>10}" for item in stock.items]
    return "\n".join([*lines, f"{'in all':<12}{'':>6}{stock.value:>10}"])
