"""What is in store."""

from __future__ import annotations

import dataclasses
import decimal


@dataclasses.dataclass(frozen=True)
class Item:
    """Some pieces of one thing."""

    name: str
    count: int
    price: decimal.Decimal

    @property
    def value(self) -> decimal.Decimal:
        return self.count * self.price


class Stock:
    """All items, by name."""

    def __init__(self, items: list[Item]) -> None:
        self.items = sorted(items, key=lambda item: item.name)

    @property
    def value(self) -> decimal.Decimal:
        return sum((item.value for item in self.items), decimal.Decimal(0))
