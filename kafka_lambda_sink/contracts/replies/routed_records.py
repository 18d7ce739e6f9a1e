"""The `records` contract with `aws.lambda.reply.routing=true`: entries may say where their results go."""

from __future__ import annotations

import json
from typing import Final

import msgspec

from kafka_lambda_sink.contracts.replies.routes import Routes, is_header_name
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract, Result, RoutedResult, Verdicts
from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition

_ROUTE: Final = "route"
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
        entries = _decode_entries(reply.payload)
        return Verdicts([self._result(entry, f"entry {index}") for index, entry in enumerate(entries)])

    def _result(self, entry: msgspec.Raw, where: str) -> Result:
        fields = _object(entry, where)
        payload = _object(fields["payload"], f"the payload of {where}")
        if _ROUTE in payload:
            raise ReplyError(f'{where} has its "route" in the payload; it belongs beside it')
        if _ROUTE not in fields:
            self._routes.check(None, where)
            return bytes(fields["payload"])
        if "result" not in payload:
            raise ReplyError(f'{where} has a route, and its payload has no field "result" to write there')
        route = _object(fields[_ROUTE], f"the route of {where}")
        unknown = sorted(route.keys() - _ROUTE_FIELDS)
        if unknown:
            raise ReplyError(f"the route of {where} has the field {unknown[0][:80]!r}; it may have topic, key, headers")
        topic = _text(route["topic"], f"route.topic of {where}") if "topic" in route else None
        self._routes.check(topic, f"the route of {where}")
        result = bytes(payload["result"])
        return [
            RoutedResult(
                value=None if result == _NULL else result,
                topic=topic,
                key=_key(route["key"]) if "key" in route else None,
                has_own_key="key" in route,
                headers=_headers(route["headers"], f"route.headers of {where}") if "headers" in route else (),
            )
        ]


def _text(text: msgspec.Raw, where: str) -> str:
    try:
        return _decode_text(text)
    except msgspec.DecodeError:
        raise ReplyError(f"{where} is not a string") from None


def _key(text: msgspec.Raw) -> bytes | None:
    raw = bytes(text)
    if raw.startswith(b'"'):
        return _decode_text(raw).encode()
    compact: bytes = msgspec.json.format(raw, indent=-1)
    return None if compact == _NULL else compact


def _headers(text: msgspec.Raw, where: str) -> list[tuple[str, bytes | None]]:
    headers: list[tuple[str, bytes | None]] = []
    for name, value in _object(text, where).items():
        if not is_header_name(name):
            raise ReplyError(f"{where} has a name that cannot be written: {name[:80]!r}")
        try:
            found = _decode_header(value)
        except msgspec.DecodeError:
            raise ReplyError(f"{where}: {name[:80]!r} is neither a string nor null") from None
        headers.append((name, None if found is None else found.encode()))
    return headers


def _object(text: msgspec.Raw, where: str) -> dict[str, msgspec.Raw]:
    """The fields of an object. Raises ReplyError for anything else, and for one that could be read in two ways."""
    try:
        fields = _decode_fields(text)
    except msgspec.DecodeError:
        raise ReplyError(f"{where} is not an object") from None
    # As a rule nothing but white space differs; where more does, somebody has to look.
    if _compact(msgspec.json.encode(fields)) != _compact(text) and _is_ambiguous(bytes(text)):
        raise ReplyError(f"{where} has a field twice")
    return fields


def _compact(text: bytes | msgspec.Raw) -> bytes:
    compact: bytes = msgspec.json.format(bytes(text), indent=-1)
    return compact


def _is_ambiguous(text: bytes) -> bool:
    """Whether an object has a field twice; those within it are not looked at."""
    names: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        # The outermost object comes last.
        names[:] = [name for name, _ in pairs]

    json.loads(text, object_pairs_hook=note, parse_int=str, parse_float=str)
    return len(names) != len(set(names))
