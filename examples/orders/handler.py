"""Prices orders: a plain AWS Lambda handler, the same here as in an account.

The event is a batch of records, all of one topic and partition, in the order of their offsets:

    [{"payload": {"timestamp": 1562844607000, "topic": "orders", "partition": 1, "offset": 43822,
                  "key": "order-7", "value": {"customer": "ada", "quantity": 3, "unit_price": 250}}}]

The answer is an array of the same length and order. The coordinates go back as they came; `result` is ours to fill.
One order that makes no sense fails the whole batch: the sink then does what `behavior.on.error` says.
"""

from typing import Any


class InvalidOrder(Exception):
    """The order cannot be priced, however often it is tried."""


def price(order: Any) -> dict[str, Any]:
    """The total of an order, in cents."""
    if not isinstance(order, dict):
        raise InvalidOrder(f"an order is an object, not {order!r}")
    quantity, unit_price = order.get("quantity"), order.get("unit_price")
    if not isinstance(quantity, int) or quantity < 1:
        raise InvalidOrder(f"quantity must be a positive number, not {quantity!r}")
    if not isinstance(unit_price, int) or unit_price < 0:
        raise InvalidOrder(f"unit_price must be a number of cents, not {unit_price!r}")
    return {"customer": order.get("customer"), "total": quantity * unit_price}


def lambda_handler(event: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
    """Price every order of the batch."""
    replies = []
    for record in event:
        payload = record["payload"]
        coordinates = {name: payload[name] for name in ("timestamp", "topic", "partition", "offset")}
        replies.append({"payload": {**coordinates, "result": price(payload["value"])}})
    print(f"priced {len(replies)} orders")
    return replies
