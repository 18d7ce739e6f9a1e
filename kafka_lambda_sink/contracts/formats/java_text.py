"""What Java's `toString` makes of Connect's data, for functions that were written for a payload of such texts."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from kafka_lambda_sink.core.schema import Float32, Instant, Schema, Struct, Type
from kafka_lambda_sink.transforms.date_format import DateFormat
from kafka_lambda_sink.transforms.java_numbers import double_text, single_text

_CONSTANTS: Final = {None: "null", True: "true", False: "false"}
#: `java.util.Date`, of a process in UTC.
_DATE: Final = DateFormat("EEE MMM dd HH:mm:ss 'UTC' yyyy")


def java_text(schema: Schema | None, value: object) -> str:
    """The text. Where Java's would say nothing of the content, that of bytes, it is base64.

    Maps come in the order that they were read in: Java's own depends on the hashes of the keys.
    """
    match value:
        case Struct():
            text = f"Struct{_braced(_fields(value))}"
        case list():
            within = None if schema is None else schema.value_schema
            text = f"[{', '.join(java_text(within, it) for it in value)}]"
        case dict():
            text = _map_text(schema, value)
        case _:
            text = _scalar_text(schema, value)
    return text


def _scalar_text(schema: Schema | None, value: object) -> str:
    match value:
        case None | bool():
            return _CONSTANTS[value]
        case Instant():
            return _DATE.format(value)
        case bytes():
            return base64.b64encode(value).decode()
        case float():
            return _float_text(schema, value)
    return str(value)


def _float_text(schema: Schema | None, value: float) -> str:
    is_single = isinstance(value, Float32) if schema is None else schema.type is Type.FLOAT32
    return single_text(value) if is_single else double_text(value)


def _fields(struct: Struct) -> Iterable[tuple[str, str]]:
    """Those that are not null, without their defaults."""
    for one in struct.schema.fields:
        value = struct.values.get(one.name)
        if value is not None:
            yield one.name, java_text(one.schema, value)


def _braced(pairs: Iterable[tuple[str, str]], separator: str = ",") -> str:
    return f"{{{separator.join(f'{name}={text}' for name, text in pairs)}}}"


def _map_text(schema: Schema | None, value: dict[object, object]) -> str:
    keys, values = (None, None) if schema is None else (schema.key_schema, schema.value_schema)
    return _braced(((java_text(keys, key), java_text(values, it)) for key, it in value.items()), ", ")
