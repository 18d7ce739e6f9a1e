"""The `records` contract with `aws.lambda.reply.routing=true`: entries may say where their results go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import msgspec

from kafka_lambda_sink.contracts.replies.routes import Routes, is_header_name
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract, Result, RoutedResult, Verdicts
from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition

_ROUTE_FIELDS: Final = frozenset({"topic", "key", "headers"})
_NULL: Final = b"null"

_decode_entries = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_header = msgspec.json.Decoder(str | None).decode


class RoutedRecordsContract(ReplyContract):
    """A `ReplyContract` for one partition.

    An entry is `{"payload": {…, "result": …}, "route": {"topic": …, "key": …, "headers": {…}}}`, with the coordinates
    of `RecordsContract`; each field of the route is optional. What is written is the text of `result` alone, null as a
    tombstone. A `key` that is a string is its text, null no key, all else compact JSON; headers are texts or null. An
    entry without a route is one of `RecordsContract`. The batch failed where a route has anything else, or a topic that
    is not among `routes`.
    """

    __slots__ = ("_check", "_routes")

    def __init__(self, tp: TopicPartition, routes: Routes) -> None:
        self._check = ReplyChecker(tp).check
        self._routes = routes

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract."""
        self._check(reply.payload, batch)
        entries = [_Entry(text, index) for index, text in enumerate(_decode_entries(reply.payload))]
        # As a rule nothing but white space differs; where more does, somebody has to look.
        if _compact(msgspec.json.encode([entry.seen for entry in entries])) != _compact(reply.payload):
            for entry in entries:
                entry.refuse_repeated_fields()
        return Verdicts([self._result(entry) for entry in entries])

    def _result(self, entry: _Entry) -> Result:
        route = entry.route
        if route is None:
            self._routes.check(None, entry.name)
            return bytes(entry.fields["payload"])
        topic = _text(route["topic"], f"route.topic of {entry.name}") if "topic" in route else None
        self._routes.check(topic, f"the route of {entry.name}")
        result = bytes(entry.payload["result"])
        return [
            RoutedResult(
                value=None if result == _NULL else result,
                topic=topic,
                key=_key(route["key"]) if "key" in route else None,
                has_own_key="key" in route,
                headers=tuple(_header(entry.name, *header) for header in entry.headers.items()),
            )
        ]


class _Entry:
    """One entry of a reply, whose coordinates have been checked."""

    __slots__ = ("fields", "headers", "name", "payload", "route", "text")

    def __init__(self, text: msgspec.Raw, index: int) -> None:
        self.name = f"entry {index}"
        self.text = text
        self.fields = _decode_fields(text)
        self.payload = _decode_fields(self.fields["payload"])
        self.route: Mapping[str, msgspec.Raw] | None = None
        self.headers: Mapping[str, msgspec.Raw] = {}
        if "route" in self.payload:
            raise ReplyError(f'{self.name} has its "route" in the payload; it belongs beside it')
        if "route" not in self.fields:
            return
        if "result" not in self.payload:
            raise ReplyError(f'{self.name} has a route, and its payload has no field "result" to write there')
        self.route = _object(self.fields["route"], f"the route of {self.name}")
        unknown = sorted(self.route.keys() - _ROUTE_FIELDS)
        if unknown:
            raise ReplyError(f"the route of {self.name} has the field {unknown[0][:80]!r}, not topic, key or headers")
        if "headers" in self.route:
            self.headers = _object(self.route["headers"], f"route.headers of {self.name}")

    @property
    def seen(self) -> Mapping[str, object]:
        """What has been read of it, by which it can be written again."""
        seen: dict[str, object] = {**self.fields, "payload": self.payload}
        if self.route is not None:
            seen["route"] = {**self.route, "headers": self.headers} if "headers" in self.route else self.route
        return seen

    def refuse_repeated_fields(self) -> None:
        """Readers take the last of repeated fields, or the first: what could be read in two ways is refused."""
        objects = {self.name: self.text, f"the payload of {self.name}": self.fields["payload"]}
        if self.route is not None:
            objects[f"the route of {self.name}"] = self.fields["route"]
            if "headers" in self.route:
                objects[f"route.headers of {self.name}"] = self.route["headers"]
        for where, text in objects.items():
            if _repeats_a_field(bytes(text)):
                raise ReplyError(f"{where} has a field twice")


def _object(text: msgspec.Raw, where: str) -> dict[str, msgspec.Raw]:
    try:
        return _decode_fields(text)
    except msgspec.DecodeError:
        raise ReplyError(f"{where} is not an object") from None


def _text(text: msgspec.Raw, where: str) -> str:
    try:
        return _decode_text(text)
    except msgspec.DecodeError:
        raise ReplyError(f"{where} is not a string") from None


def _key(text: msgspec.Raw) -> bytes | None:
    raw = bytes(text)
    if raw.startswith(b'"'):
        return _decode_text(raw).encode()
    return None if raw == _NULL else _compact(raw)


def _header(entry: str, name: str, text: msgspec.Raw) -> tuple[str, bytes | None]:
    if not is_header_name(name):
        raise ReplyError(f"route.headers of {entry} has a name that cannot be written: {name[:80]!r}")
    try:
        value = _decode_header(text)
    except msgspec.DecodeError:
        raise ReplyError(f"route.headers of {entry}: {name[:80]!r} is neither a string nor null") from None
    return name, None if value is None else value.encode()


def _compact(text: bytes) -> bytes:
    compact: bytes = msgspec.json.format(text, indent=-1)
    return compact


def _repeats_a_field(text: bytes) -> bool:
    """Whether an object has a field twice; those within it are not looked at."""
    names: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        # The outermost object comes last.
        names[:] = [name for name, _ in pairs]

    json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=str)
    return len(names) != len(set(names))
