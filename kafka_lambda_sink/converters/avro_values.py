"""What becomes of values as Avro has them: Connect's data, or what the JSON encoder writes; and JSON defaults."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Any, Final

from kafka_lambda_sink.converters.avro_connect import is_map_entry, other_branch
from kafka_lambda_sink.converters.avro_schema import Array, AvroType, Enum, Fixed, MapOf, Primitive, Record, Union
from kafka_lambda_sink.converters.avro_wire import Finish, MalformedAvroError
from kafka_lambda_sink.converters.decimals import from_bytes, to_bytes
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.json_numbers import float_writer, integer_writer, single_writer
from kafka_lambda_sink.converters.singles import nearest_single
from kafka_lambda_sink.core.java_calendar import DAY_MS
from kafka_lambda_sink.core.schema import DATE, DECIMAL, TIME, TIMESTAMP, Float32, Instant, Schema, Struct, Type

_INTEGERS: Final = {"int": 1 << 31, "long": 1 << 63}


def to_connect(schema: Schema) -> Finish | None:
    """What makes Connect's data of a scalar as it was read; None for what is it already."""
    if schema.name == DECIMAL:
        return _decimal(schema.scale)
    return _INSTANTS.get(schema.name or "") or _CONNECT.get(schema.type)


def to_json(schema: Schema, form: JsonForm) -> Finish | None:
    """What makes of a scalar as it was read what the encoder writes as JsonConverter would; None for what is it."""
    if schema.name == DECIMAL:
        return _minimal if form.decimal_format == "BASE64" else _decimal(schema.scale)
    if schema.name in _INSTANTS:
        return _time if schema.name == TIME else None
    match schema.type:
        case Type.FLOAT32:
            return single_writer(form.nonfinite)
        case Type.FLOAT64:
            return float_writer(form.nonfinite)
        case Type.INT64:
            return integer_writer(form.long)
    return _CONNECT.get(schema.type)


def _decimal(scale: int) -> Finish:
    def convert(unscaled: bytes) -> Decimal:
        if not unscaled:
            raise MalformedAvroError("a decimal of no bytes")
        return from_bytes(unscaled, scale)

    return convert


def _minimal(unscaled: bytes) -> bytes:
    """As few bytes of the two's complement as say it: what BigInteger.toByteArray gives."""
    if len(unscaled) == 1:
        return unscaled
    if not unscaled:
        raise MalformedAvroError("a decimal of no bytes")
    first, second = unscaled[0], unscaled[1]
    if (first == 0 and second < 0x80) or (first == 0xFF and second >= 0x80):  # noqa: PLR2004 - the bit of the sign
        return to_bytes(int.from_bytes(unscaled, signed=True))
    return unscaled


def _time(value: int) -> int:
    if not 0 <= value <= DAY_MS:
        raise MalformedAvroError("a time of day below zero or beyond 24 hours")
    return value


def _narrowed(value: int, limit: int) -> int:
    """Java's cast."""
    return (value + limit) % (2 * limit) - limit


_INSTANTS: Final[dict[str, Finish]] = {
    DATE: lambda days: Instant(days * DAY_MS),
    TIME: lambda value: Instant(_time(value)),
    TIMESTAMP: Instant,
}
_CONNECT: Final[dict[Type, Finish]] = {
    Type.FLOAT32: Float32,
    Type.INT8: lambda value: _narrowed(value, 1 << 7),
    Type.INT16: lambda value: _narrowed(value, 1 << 15),
}


def default_of(avro: AvroType, schema: Schema, value: Any) -> object:
    """Connect's data for a default as the schema's JSON has it; None where it is null or not one of the type."""
    try:
        return _default(avro, schema, value)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        # AvroData ignores it too.
        return None


def _default(avro: AvroType, schema: Schema, value: Any) -> object:
    match avro:
        case Primitive():
            raw = _primitive(avro.kind, value)
        case Enum():
            raw = _one_of(avro.symbols, value)
        case Fixed():
            raw = value.encode("latin-1")
            _require(len(raw) == avro.size)
        case Array() if is_map_entry(avro.items):
            raise ValueError(value)
        case Array():
            assert schema.value_schema is not None
            return [_default(avro.items, schema.value_schema, it) for it in _instance(value, list)]
        case MapOf():
            assert schema.value_schema is not None
            entries = _instance(value, dict).items()
            return {key: _default(avro.values, schema.value_schema, it) for key, it in entries}
        case Record():
            return _record(avro, schema, value)
        case Union():
            return _union(avro, schema, value)
    finish = to_connect(schema)
    return raw if finish is None else finish(raw)


def _primitive(kind: str, value: Any) -> object:
    match kind:
        case "boolean":
            return _instance(value, bool)
        case "int" | "long":
            _require(not isinstance(value, bool) and -_INTEGERS[kind] <= value < _INTEGERS[kind])
            return _instance(value, int)
        case "float":
            number = nearest_single(value)
            _require(not isinstance(value, bool | str) and isfinite(number))
            return number
        case "double":
            _require(not isinstance(value, bool | str) and isfinite(value))
            return float(value)
        case "bytes":
            return value.encode("latin-1")
        case "string":
            return _instance(value, str)
    raise ValueError(kind)


def _record(avro: Record, schema: Schema, value: Any) -> Struct:
    values: dict[str, object] = {}
    for one in avro.fields:
        inner = schema.field(one.name)
        assert inner is not None
        given = value.get(one.name, one.default if one.has_default else None)
        values[one.name] = None if given is None else _default(one.type, inner.schema, given)
        _require(values[one.name] is not None or inner.schema.is_optional)
    return Struct(schema, values)


def _union(avro: Union, schema: Schema, value: Any) -> object:
    if value is None:
        return None
    single = other_branch(avro)
    if single is not None:
        return _default(single[0], schema, value)
    # A default is one of the first branch.
    first = schema.fields[0]
    return Struct(schema, {first.name: _default(avro.branches[0], first.schema, value)})


def _one_of(symbols: tuple[str, ...], value: Any) -> str:
    _require(value in symbols)
    return str(value)


def _instance(value: Any, kind: type) -> Any:
    _require(isinstance(value, kind))
    return value


def _require(condition: bool) -> None:  # noqa: FBT001 - an assertion about foreign data
    if not condition:
        raise ValueError
