"""What filter patterns see of a record: its parts, their fields, and scalars as they look in JSON."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Unfit:
    """A value or key in a form that a pattern is not for: AWS looks at the other parts of the record alone.

    Source: AWS, "Filtering events from Amazon MSK and self-managed Apache Kafka event sources"
    (lambda/latest/dg/kafka-filtering.html), the table of formats.
    """

    form: str
    #: Empty where no pattern is for that form.
    because: str = ""


PLAIN_TEXT: Final = Unfit("plain text", "the pattern asks for fields")
AN_OBJECT: Final = Unfit("an object", "the pattern asks for a plain text")
NO_TEXT: Final = Unfit("bytes that are not UTF-8")

#: Ends the names of the parts of a record in which a text counts as the JSON that it holds: a pattern's objects look
#: there, its lists at the text itself.
BODY: Final = " (JSON)"

#: What a text that holds an object may begin with.
_OPENINGS: Final = frozenset("{ \n\r\t")

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
    """A value or key to a pattern of fields: texts and bytes are the JSON that they hold, or Unfit.

    A JSON string is a text like one that is no JSON: converters differ in what they make of quotes.
    """
    if type(node) is dict:
        return node
    if isinstance(node, str):
        text = node.encode(errors="surrogatepass")
    elif isinstance(node, bytes):
        text = node
    else:
        return node
    if is_too_deep(text):
        return _without_fields(node)
    try:
        held = _decode(text)
    except (ValueError, ArithmeticError):  # no JSON, or a number that nothing can hold
        return _without_fields(node)
    return PLAIN_TEXT if type(held) is str else held


def _without_fields(node: str | bytes) -> Unfit:
    return PLAIN_TEXT if isinstance(_text(node), str) else NO_TEXT


def _text(node: str | bytes) -> str | Unfit:
    if isinstance(node, str):
        return node
    try:
        return node.decode()
    except UnicodeDecodeError:
        return NO_TEXT


def plain(node: object) -> object:
    """A value or key to a list: bytes are the text that they are in UTF-8; objects, and texts that hold one, Unfit."""
    if type(node) is not str:
        if isinstance(node, (dict, Struct)):
            return AN_OBJECT
        if not isinstance(node, bytes):
            return node
        node = _text(node)
        if isinstance(node, Unfit):
            return node
    return AN_OBJECT if node[:1] in _OPENINGS and type(body(node)) is dict else node


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
