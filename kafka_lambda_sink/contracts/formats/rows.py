"""The format `rows`: `{"sync_mode": …, "rows": [{"data", "operation", "primary_key"}]}` (seed: "Payload Format")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from kafka_lambda_sink.contracts.formats.field_lookup import lookup
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord, unsendable
from kafka_lambda_sink.contracts.frame import Frame
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.transforms.field_paths import ANY, Path, parse_path
from kafka_lambda_sink.transforms.target import Target

#: `sync_mode` → what a record with a value is where nothing else says so.
SYNC_MODES: Final = {"insert": "insert", "add": "add", "remove": "remove", "upsert": "upsert", "mirror": "upsert"}
OPERATIONS: Final = frozenset({"insert", "add", "remove", "upsert"})
#: What a tombstone is.
_REMOVE: Final = "remove"

_Operation: TypeAlias = Callable[[SentRecord], str]


class Row(msgspec.Struct, gc=False):
    """One record."""

    #: Its value; null for a tombstone.
    data: Embeddable
    operation: str
    #: The record's key, or what is at a path of the key or the value.
    primary_key: Embeddable


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOptions:
    """What can be said of rows."""

    sync_mode: str = "insert"
    #: Name of the header that says the operation; the last of this name counts. Goes before the field.
    operation_header: str | None = None
    #: Path of the field that says the operation, e.g. `value.op`.
    operation_field: str | None = None
    #: Path of the field that is the primary key, e.g. `email` or `key.id`; None for the whole key.
    primary_key: str | None = None


def build_rows(options: RowOptions) -> RequestFormat:
    """A row's operation: that of the header, else `remove` for a tombstone, else that of the field, else the mode's.

    A header or field that is absent or null says nothing; one that says another operation fails the record. Raises
    ValueError for an unknown mode and for what is no path to one field.
    """
    if options.sync_mode not in SYNC_MODES:
        raise ValueError(f"`{options.sync_mode}` is not a sync mode; there are {', '.join(SYNC_MODES)}")
    operation_of = _operation(options)
    path = None if options.primary_key is None else _one_field(options.primary_key)
    around = Frame(b'{"sync_mode":' + encode(options.sync_mode) + b',"rows":[', b"]}")

    def entry(sent: SentRecord) -> Row:
        return Row(sent.value, operation_of(sent), sent.key if path is None else _primary_key(sent, path))

    return RequestFormat(entry=entry, frame=lambda _: around, needs_headers=options.operation_header is not None)


def _one_field(text: str) -> Path:
    path = parse_path(text)
    if ANY in path.names:
        raise ValueError(f"`{text}` must lead to one field, not to any")
    return path


def _primary_key(sent: SentRecord, path: Path) -> Embeddable:
    schema, value = lookup(sent.record, path)
    if value is None:
        side, name = path.side.value.lower(), ".".join(path.names)
        raise unsendable(f"the {side} has nothing at `{name}`, where its primary key is to be")
    embed = sent.writers.key if path.side is Target.KEY else sent.writers.value
    return embed(schema, value)


def _operation(options: RowOptions) -> _Operation:
    header = options.operation_header
    path = None if options.operation_field is None else _one_field(options.operation_field)
    default = SYNC_MODES[options.sync_mode]

    def operation_of(sent: SentRecord) -> str:
        said: object = None
        where = ""
        if header is not None:
            said, where = _last_header(sent, header), f"the header {header}"
        if said is None and sent.record.value is None:
            return _REMOVE
        if said is None and path is not None:
            said, where = lookup(sent.record, path).value, f"the field {options.operation_field}"
        if said is None:
            return default
        if not isinstance(said, str) or said not in OPERATIONS:
            raise unsendable(f"{where} says another operation than {', '.join(sorted(OPERATIONS))}")
        return said

    return operation_of


def _last_header(sent: SentRecord, name: str) -> object:
    return next((it.value for it in reversed(sent.record.headers) if it.name == name), None)
