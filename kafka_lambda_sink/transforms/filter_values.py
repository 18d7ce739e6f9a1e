"""What filter patterns see of a record: its parts, their fields, and scalars as they look in JSON."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final

import msgspec

from kafka_lambda_sink.converters.json_depth import is_too_deep
from kafka_lambda_sink.converters.singles import shortest_single
from kafka_lambda_sink.core.schema import Float32, Struct, TextFloat
from kafka_lambda_sink.core.sink_record import SinkRecord


class Absent:
    """The value of a field that is not there."""

    def __repr__(self) -> str:
        """For explanations."""
        return "absent"


ABSENT: Final = Absent()

#: Ends the names of the parts of a record in which a text counts as the JSON that it holds: a pattern's objects look
#: there, its lists at the text itself.
BODY: Final = " (JSON)"

#: Scalars of these types are compared as they are.
PLAIN: Final = frozenset({str, int, bool, type(None)})

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def scalar(value: object) -> object:
    """As JSON shows it: str, bool, None, or int or Decimal, exact. NaN and infinities stay floats, equal to nothing."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() else float(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value


def _number(value: float) -> float | Decimal:
    if isinstance(value, TextFloat):
        exact = Decimal(value.text.decode())
        return exact if exact.is_finite() else float(value)
    if not isfinite(value):
        return float(value)
    return Decimal(repr(shortest_single(value) if isinstance(value, Float32) else value))


def scalars(node: object) -> Iterator[object]:
    """The scalar itself, or those of an array and the arrays in it. An object has none."""
    if isinstance(node, list):
        for element in node:
            yield from scalars(element)
    elif not isinstance(node, (dict, Struct, Absent)):
        yield scalar(node)


def elements(node: list[Any]) -> Iterator[object]:
    """What an array holds, those of the arrays in it included."""
    for element in node:
        if isinstance(element, list):
            yield from elements(element)
        else:
            yield element


def child(node: object, name: str) -> object:
    """A field of an object; ABSENT where there is none, or no object."""
    if isinstance(node, dict):
        return node.get(name, ABSENT)
    if isinstance(node, Struct):
        return ABSENT if node.schema.field(name) is None else node.get(name)
    return ABSENT


def body(node: object) -> object:
    """A text or bytes that hold JSON as what they hold; everything else as it is."""
    if type(node) is dict:
        return node
    if isinstance(node, str):
        text = node.encode(errors="surrogatepass")
    elif isinstance(node, bytes):
        text = node
    else:
        return node
    if is_too_deep(text):
        return node
    try:
        return _decode(text)
    except (ValueError, ArithmeticError):  # no JSON, or a number that nothing can hold
        return node


def headers(record: SinkRecord) -> Mapping[str, object]:
    """Headers by name; those that stand there more than once as an array."""
    found: dict[str, object] = {}
    repeated: dict[str, list[object]] = {}
    for name, _, value in record.headers:
        if name in repeated:
            repeated[name].append(value)
        elif name in found:
            found[name] = repeated[name] = [found[name], value]
        else:
            found[name] = value
    return found
