"""What a transform needs of a value, as Connect's `Requirements`."""

from __future__ import annotations

from typing import Any

from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import Struct
from kafka_lambda_sink.transforms.chain import TRANSFORMATION


def refused(message: str) -> RecordError:
    """A record that a transform cannot take. The message must not hold its content."""
    return RecordError(message, stage=TRANSFORMATION)


def require_map(value: object, purpose: str) -> dict[Any, Any]:
    """The value, an object without a schema. Raises RecordError."""
    if not isinstance(value, dict):
        raise refused(f"only an object can be used for {purpose}, not {_kind(value)}")
    return value


def require_struct(value: object, purpose: str) -> Struct:
    """The value, a Struct. Raises RecordError."""
    if not isinstance(value, Struct):
        raise refused(f"only a struct can be used for {purpose}, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
