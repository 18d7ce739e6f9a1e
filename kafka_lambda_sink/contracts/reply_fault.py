"""What exactly is wrong with a reply that broke its contract. Runs on failures only, so it may take its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec

from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.record import TopicPartition

_TYPE_NAMES: Final = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number with a fraction or exponent",
    type(None): "null",
}
#: How much of a foreign text is quoted.
_QUOTED: Final = 80
_COORDINATES: Final = ("topic", "partition", "offset")


def raise_fault(reply: bytes, tp: TopicPartition, offsets: Sequence[int]) -> NoReturn:
    """Raise ReplyError with the first thing in `reply` that breaks the contract for the records `offsets` of `tp`.

    `reply` must not be too deep for a parser.
    """
    if not reply:
        raise ReplyError("the reply is empty, not an array; does the function return its results?")
    try:
        reply.decode()
        msgspec.json.decode(reply, type=msgspec.Raw)
        texts = msgspec.json.decode(reply, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        raise ReplyError(_describe_other_than_array(_value(msgspec.Raw(reply)))) from None
    except msgspec.DecodeError as error:
        raise ReplyError(f"the reply is not JSON: {str(error).removeprefix('JSON is malformed: ')}") from None
    except UnicodeDecodeError as error:
        raise ReplyError(f"the reply is not UTF-8: {error.reason} (byte {error.start})") from None
    if len(texts) != len(offsets):
        raise ReplyError(f"the reply has {len(texts)} entries instead of {len(offsets)}, one a record")
    for index, (text, offset) in enumerate(zip(texts, offsets, strict=True)):
        payload = _object_in(text, f"entry {index}")
        if "payload" not in payload:
            raise ReplyError(f'entry {index} has no field "payload"')
        fields = _object_in(payload["payload"], f"the payload of entry {index}")
        _compare_coordinates(fields, (*tp, offset), f"entry {index}")
    # Decoded fields are the last of their name; only an earlier one can have been at fault.
    raise ReplyError("an entry repeats a field of its coordinates with another content")


def _object_in(text: msgspec.Raw, where: str) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise ReplyError(f"{where} is {_type_name(_value(text))}, not an object") from None


def _compare_coordinates(fields: dict[str, msgspec.Raw], expected: tuple[str, int, int], where: str) -> None:
    for name, wanted in zip(_COORDINATES, expected, strict=True):
        if name not in fields:
            raise ReplyError(f'{where}: its payload has no field "{name}"')
        found = _value(fields[name])
        # bool is an int to Python, and 1.0 == 1.
        if type(found) is not type(wanted):
            raise ReplyError(f"{where}: {name} is {_type_name(found)}, expected {_quote(wanted)}")
        if found != wanted:
            raise ReplyError(f"{where}: {name} {_quote(found)}, expected {_quote(wanted)}")


def _describe_other_than_array(value: object) -> str:
    if isinstance(value, dict) and {"statusCode", "body"} <= value.keys():
        return (
            'the reply is an object with "statusCode" and "body", the shape for API Gateway, not an array; '
            "return the array itself"
        )
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        return (
            "the reply is a string that holds JSON, not an array; "
            "return the array itself, Lambda serializes it (no json.dumps in the function)"
        )
    return f"the reply is {_type_name(value)}, not an array"


def _value(text: msgspec.Raw) -> object:
    """The value, or Ellipsis where Python cannot hold it (a number out of range)."""
    try:
        decoded: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return ...
    return decoded


def _type_name(value: object) -> str:
    return _TYPE_NAMES.get(type(value), "a number out of range")


def _quote(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}…"
