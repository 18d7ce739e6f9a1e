"""The path to one field, in Connect's two syntaxes (KIP-821): V1, a name, and V2, names with dots between them."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from kafka_lambda_sink.core.schema import Field, Schema, Struct
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import field_reader, require_fields

SyntaxVersion: TypeAlias = Literal["V1", "V2"]

_PURPOSE: Final = "nested field access"
_QUOTE: Final = "`"


class SingleFieldPath:
    """A path, taken apart."""

    def __init__(self, text: str, version: SyntaxVersion) -> None:
        """Raise ValueError for a backtick of V2 without its other."""
        self._steps = [text] if version == "V1" else _steps(text)

    def field_of(self, schema: Schema) -> Field | None:
        """The field of a STRUCT, or None. Raises RecordError for a step into what has no fields."""
        found = None
        for step in self._required_steps():
            require_fields(schema)
            found = schema.field(step)
            if found is None:
                return None
            schema = found.schema
        return found

    def value_in_struct(self, struct: Struct, *, with_default: bool) -> object:
        """The value; `with_default` is about the last field, those before it are taken with theirs."""
        *steps, last = self._required_steps()
        current = struct
        for step in steps:
            below = current.get(step)
            if below is None:
                return None
            current = require_struct(below, _PURPOSE)
        return field_reader(with_default=with_default)(current, last)

    def value_in_map(self, value: dict[Any, Any]) -> object:
        """The value; None where there is none. Raises RecordError for a step into what is no object."""
        *steps, last = self._required_steps()
        current = value
        for step in steps:
            below = current.get(step)
            if below is None:
                return None
            current = require_map(below, _PURPOSE)
        return current.get(last)

    def _required_steps(self) -> list[str]:
        if not self._steps:
            raise refused("an empty path leads to no field")
        return self._steps


def _steps(text: str) -> list[str]:
    steps, position = [], 0
    while position < len(text):
        if text[position] == _QUOTE:
            step, position = _quoted(text, position)
        else:
            end = text.find(".", position)
            end = len(text) if end < 0 else end
            step, position = text[position:end], end + 1
        steps.append(step)
    if text.endswith("."):
        steps.append("")
    return steps


def _quoted(text: str, opening: int) -> tuple[str, int]:
    """The name between backticks, and where the next one begins."""
    name, start, position = "", opening + 1, opening + 1
    while True:
        position = text.find(_QUOTE, position)
        is_escaped = text[:position].endswith("\\")
        is_last = position == len(text) - 1
        if position < 0 or (is_last and is_escaped):
            raise ValueError(f"the backtick at {opening} has no other; a backslash before it makes it part of the name")
        if is_last:
            return name + text[start:position], position + 1
        if text[position + 1] == ".":
            if not is_escaped:
                return name + text[start:position], position + 2
            name += text[start : position - 1] + _QUOTE
            start = position + 1
        # A backtick that no dot follows is part of the name.
        position += 1
