"""How the keys and values of reports are written: compact JSON, in Connect's envelope where schemas are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """Of one report topic: whether key and value come in Connect's envelope `{"schema": …, "payload": …}`.

    That is the format `json` with `schemas.enable=true`. `string`, and `json` without schemas, are the plain JSON text.
    """

    has_key_schema: bool = False
    has_value_schema: bool = False


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What is put around a JSON text."""

    before: bytes
    after: bytes

    def of(self, text: bytes) -> bytes:
        """The text, wrapped."""
        return self.before + text + self.after


#: Nothing around it.
PLAIN: Final = Wrapping(b"", b"")


def envelope(schema: dict[str, Any]) -> Wrapping:
    """Connect's envelope for values of one schema (JsonConverter with `schemas.enable`)."""
    return Wrapping(b'{"schema":' + msgspec.json.encode(schema) + b',"payload":', b"}")


def struct_schema(fields: Sequence[tuple[str, str, bool]]) -> dict[str, Any]:
    """The schema of a struct; fields as (name, Connect's type, is it optional)."""
    return {
        "type": "struct",
        "fields": [{"type": kind, "optional": optional, "field": name} for name, kind, optional in fields],
        "optional": False,
    }
