"""The records of the demo: orders, some of them poisonous."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

#: Every so many orders, one that the example handler raises for. Prime, so that all partitions get some.
POISON_EVERY: Final = 251
#: Every so many orders, one that is no JSON.
GARBAGE_EVERY: Final = 307

_CUSTOMERS: Final = ("ada", "grace", "alan", "edsger", "barbara")


def orders(count: int, partitions: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(partition, key, value) of `count` orders, one partition after the other in turn. The same each time."""
    for number in range(1, count + 1):
        yield number % partitions, b"order-%d" % number, _value(number)


def _value(number: int) -> bytes:
    if number % GARBAGE_EVERY == 0:
        return b"customer=ada;quantity=1"
    order = {
        "customer": _CUSTOMERS[number % len(_CUSTOMERS)],
        "quantity": 0 if number % POISON_EVERY == 0 else number % 9 + 1,
        "unit_price": 100 + number % 50,
    }
    return json.dumps(order).encode()
