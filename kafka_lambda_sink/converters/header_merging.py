"""One schema for the elements of an array, or the keys or values of a map, in a header's text.

Source: `Values.SchemaMerger` and `Values.convertTo` of Kafka Connect (org.apache.kafka.connect.data, 4.1), as far as
parsed texts get there: no element's schema is optional, and none is a struct.
"""

from __future__ import annotations

from typing import Final

from kafka_lambda_sink.converters.singles import nearest_single
from kafka_lambda_sink.core.java_calendar import DAY_MS
from kafka_lambda_sink.core.schema import (
    DATE,
    TIME,
    TIMESTAMP,
    Instant,
    Schema,
    Type,
)
from kafka_lambda_sink.core.sink_record import SchemaAndValue

#: Milliseconds in what the numbers of these count.
_UNITS: Final = {DATE: DAY_MS, TIME: 1, TIMESTAMP: 1}
#: Each takes in those before it.
_NUMBERS: Final = (Type.INT8, Type.INT16, Type.INT32, Type.INT64, Type.FLOAT32, Type.FLOAT64)


class MalformedError(ValueError):
    """The text is no array or map after all; what holds it is tried as something else."""


class Merger:
    """Finds the common schema."""

    __slots__ = ("_is_compatible", "schema")

    def __init__(self) -> None:
        #: None while there were nothing but nulls, and once there can be no common one.
        self.schema: Schema | None = None
        self._is_compatible = True

    def add(self, element: SchemaAndValue) -> None:
        """One element more."""
        if element.schema is None or not self._is_compatible:
            return
        self.schema = element.schema if self.schema is None else _merged(self.schema, element.schema)
        self._is_compatible = self.schema is not None


def _merged(one: Schema, other: Schema) -> Schema | None:
    if one.type is other.type:
        # Connect takes the last one's, also where the others' values are not of it and can no longer be written.
        differs = one != other and (one.type in {Type.ARRAY, Type.MAP} or (one.name and other.name))
        return None if differs else other
    if one.type in _NUMBERS and other.type in _NUMBERS:
        return max(one, other, key=lambda it: _NUMBERS.index(it.type))
    return None


def aligned(schema: Schema, value: object) -> object:
    """A value as one of the common schema. Raises MalformedError."""
    if value is None:
        raise MalformedError
    if schema.name is not None and schema.name in _UNITS:
        return value if isinstance(value, Instant) else _instant(schema.name, value)
    if schema.type not in _NUMBERS:
        return value
    if isinstance(value, Instant) or not isinstance(value, int | float):
        raise MalformedError
    match schema.type:
        case Type.FLOAT32:
            return nearest_single(float(value))
        case Type.FLOAT64:
            return float(value)
    return value


def _instant(name: str, number: object) -> Instant:
    if not isinstance(number, int) or (name == TIME and not 0 <= number <= DAY_MS):
        raise MalformedError
    return Instant(number * _UNITS[name])
