"""`MaskField`: puts nothing, or a text or number of the user's, in the place of values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field as Limits

from kafka_lambda_sink.converters.singles import nearest_single
from kafka_lambda_sink.core.schema import Float32, Instant, Schema, Type
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.java_numbers import BITS, narrowed, parse_decimal, wrapped
from kafka_lambda_sink.transforms.options import CommaList, Options, Truth
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import build_struct, field_reader
from kafka_lambda_sink.transforms.target import Target

_PURPOSE: Final = "masking fields"

#: A value that is not None, and its schema where it has one, to what stands in its place.
_Mask = Callable[[object, Schema | None], object]


class MaskFieldOptions(Options):
    """Of `MaskField`."""

    fields: Annotated[CommaList, Limits(min_length=1)]
    """The fields to mask."""

    replacement: Annotated[str, Limits(min_length=1)] | None = None
    """What stands for texts and numbers instead of an empty text and 0; every number must be able to be it."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""


def _build(options: MaskFieldOptions, target: Target | None) -> Transform:
    assert target is not None
    names = dict.fromkeys(options.fields)
    mask = _nothing if options.replacement is None else _replacing(options.replacement)
    read = field_reader(with_default=options.replace_null_with_default)

    def masked(name: str, value: object, schema: Schema | None) -> object:
        if value is None:
            return None
        try:
            return mask(value, schema)
        except ValueError:
            raise refused(f"field `{name}`: the replacement is no number") from None
        except TypeError:
            what = type(value).__name__ if schema is None else schema.name or schema.type
            raise refused(f"field `{name}`: {what} cannot be masked so") from None

    def mask_field(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if schema is None:
            fields = require_map(value, _PURPOSE)
            return target.updated(record, None, {**fields, **{it: masked(it, fields.get(it), None) for it in names}})
        struct = require_struct(value, _PURPOSE)
        values = {it.name: read(struct, it.name) for it in struct.schema.fields}
        for it in struct.schema.fields:
            if it.name in names:
                values[it.name] = masked(it.name, values[it.name], it.schema)
        return target.updated(record, schema, build_struct(struct.schema, values))

    return mask_field


def _nothing(value: object, schema: Schema | None) -> object:
    """The nothing of a type. Raises TypeError for types without one."""
    match value:
        case bool():
            return False
        case Instant():
            return Instant(0)
        case int():
            return 0
        case float():
            return Float32(0) if _is_single(value, schema) else 0.0
    nothing = {Decimal: Decimal(0), str: "", list: [], dict: {}}.get(type(value))
    if nothing is None:
        raise TypeError
    return nothing


def _is_single(value: object, schema: Schema | None) -> bool:
    return isinstance(value, Float32) if schema is None else schema.type is Type.FLOAT32


def _replacing(replacement: str) -> _Mask:
    def replaced(value: object, schema: Schema | None) -> object:
        """Raises TypeError for types that no text stands for, ValueError where it is not the number that it must be."""
        match value:
            case str():
                return replacement
            case bool() | Instant():
                raise TypeError
            case int():
                if schema is None and value != wrapped(value, 64):
                    return int(replacement)
                return narrowed(parse_decimal(replacement), 64 if schema is None else BITS[schema.type])
            case float():
                number = float(parse_decimal(replacement))
                return nearest_single(number) if _is_single(value, schema) else number
            case Decimal():
                return parse_decimal(replacement)
        raise TypeError

    return replaced


TYPE = TransformType(MaskFieldOptions, _build)
