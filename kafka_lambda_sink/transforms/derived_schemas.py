"""Schemas that a transform makes of the schemas of records, made once each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kafka_lambda_sink.core.schema import Schema

#: Many more than a topic has at a time; Connect's own transforms keep 16.
_MOST: Final = 1000


class DerivedSchemas:
    """Calls `derive` once for each schema. Belongs to one thread."""

    __slots__ = ("_derive", "_made")

    def __init__(self, derive: Callable[[Schema], Schema]) -> None:
        self._derive = derive
        self._made: dict[int, tuple[Schema, Schema]] = {}

    def of(self, schema: Schema) -> Schema:
        """What is derived of `schema`. Raises whatever `derive` raises."""
        made = self._made.get(id(schema))
        if made is None:
            if len(self._made) >= _MOST:
                self._made.clear()
            # With the schema itself: an identity is its own only while it lives.
            made = self._made[id(schema)] = (schema, self._derive(schema))
        return made[1]
