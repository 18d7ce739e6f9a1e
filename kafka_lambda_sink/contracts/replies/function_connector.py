"""The contract `function-connector`: `{"state", "insert", "delete", "schema", "hasMore"}` (seed: "Response format")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from kafka_lambda_sink.contracts.formats.function_connector import FunctionRequest
from kafka_lambda_sink.contracts.formats.placeholders import check_placeholders, filled
from kafka_lambda_sink.contracts.replies.error_replies import raise_error
from kafka_lambda_sink.contracts.replies.json_reply import read_reply
from kafka_lambda_sink.contracts.replies.routes import Routes
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract, Result, RoutedResult, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.commit_metadata import MAX_STATE, size_of_state
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition

#: What the template of topics may name.
_PLACEHOLDERS: Final = frozenset({"entity", "connector"})
#: Characters of a foreign text that are quoted.
_QUOTED: Final = 80

_Fields: TypeAlias = dict[str, msgspec.Raw]
_Rows: TypeAlias = dict[str, list[msgspec.Raw]]

_minified = msgspec.json.format
_decode_fields = msgspec.json.Decoder(_Fields).decode


class _Schema(msgspec.Struct, gc=False):
    primary_key: list[str]


class _Reply(msgspec.Struct, rename="camel", gc=False):
    state: msgspec.Raw
    insert: _Rows | None = None
    delete: _Rows | None = None
    schema: dict[str, _Schema] | None = None
    has_more: bool = False


_decode_reply = msgspec.json.Decoder(_Reply).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOptions:
    """What the contract wants to know."""

    request: FunctionRequest
    #: The topic of an entity. Raises ReplyError for one that has none.
    topic_of: Callable[[str], str]
    #: Calls for one batch, at most.
    max_calls: int


class EntityTopics:
    """The topics of entities. Raises ValueError for a template with placeholders that are not known."""

    __slots__ = ("_connector", "_routes", "_template")

    def __init__(self, template: str, connector: str, routes: Routes) -> None:
        check_placeholders(template, names=_PLACEHOLDERS)
        self._template = template
        self._connector = connector
        self._routes = routes

    def of(self, entity: str) -> str:
        """The topic of an entity. Raises ReplyError for one that results may not go to."""
        topic = filled(self._template, {"entity": entity, "connector": self._connector})
        self._routes.check(topic, f"the entity {entity[:_QUOTED]!r}")
        return topic


class FunctionConnector(ReplyContract):
    """A `ReplyContract` for one partition of the format `function-connector`.

    The rows of `insert` go to their entity's topic, and those of `delete` as tombstones behind them; their key is the
    object of the fields that `schema` names as the `primary_key`, null where it names none. `delete` wants a schema.
    With `hasMore` the same records are sent again, with the state that was returned. A batch that is given up leaves no
    state behind: the next one starts from that before it, as a new owner of the partition would.
    """

    __slots__ = ("_calls", "_current", "_options", "_sent", "_state", "_tp")

    def __init__(self, tp: TopicPartition, state: bytes | None, options: FunctionOptions) -> None:
        """`state` is what the last finished batch left behind, wherever it was delivered."""
        self._tp = tp
        self._options = options
        self._state = state
        #: First and next offset of the batch that is being delivered, the state it goes on from, and its calls.
        self._sent: tuple[int, int] | None = None
        self._current = state
        self._calls = 0

    @property
    def state(self) -> bytes | None:
        """See ReplyContract."""
        return self._state

    def request(self, batch: Batch) -> bytes:
        """See ReplyContract."""
        place = (batch.first_offset, batch.next_offset)
        if place != self._sent:
            self._sent, self._current, self._calls = place, self._state, 0
        return self._options.request.of(self._tp, self._current, batch.payload)

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract. Raises FunctionError for `{"errorMessage", …}`."""
        value = read_reply(reply.payload)
        raise_error(value)
        try:
            found = _decode_reply(reply.payload)
        except msgspec.DecodeError as error:
            raise ReplyError(f"the reply is not that of a function connector: {error}") from None
        state = _state_of(found)
        rows = [*self._rows(found)]
        self._calls += 1
        if found.has_more:
            if self._calls >= self._options.max_calls:
                self._sent = None
                raise ReplyError(f"the function still has more after {self._calls} calls for one batch")
            self._current = state
        else:
            self._state, self._sent = state, None
        results: list[Result] = [None] * batch.count
        # They are of the whole batch, and count as written when its last record does.
        results[-1] = rows or None
        return Verdicts(results, has_more=found.has_more)

    def _rows(self, reply: _Reply) -> Iterator[RoutedResult]:
        schemas = {entity: schema.primary_key for entity, schema in (reply.schema or {}).items()}
        for entity, rows in (reply.insert or {}).items():
            topic, names = self._options.topic_of(entity), schemas.get(entity, ())
            for index, row in enumerate(rows):
                key = _key_of(row, names, f"insert.{entity}[{index}]")
                yield RoutedResult(value=bytes(row), topic=topic, key=key, has_own_key=True)
        for entity, rows in (reply.delete or {}).items():
            topic, names = self._options.topic_of(entity), schemas.get(entity, ())
            if not names:
                raise ReplyError(f"delete.{entity}: schema.{entity} names no primary_key, by which rows are deleted")
            for index, row in enumerate(rows):
                key = _key_of(row, names, f"delete.{entity}[{index}]")
                yield RoutedResult(value=None, topic=topic, key=key, has_own_key=True)


def _state_of(reply: _Reply) -> bytes | None:
    state: bytes = _minified(bytes(reply.state), indent=-1)
    if not state.startswith(b"{"):
        raise ReplyError("the reply's state is not an object")
    size = size_of_state(state)
    if size > MAX_STATE:
        raise ReplyError(
            f"the reply's state takes {size:,} bytes, and {MAX_STATE:,} are kept: it is for cursors, not for data"
        )
    return None if state == b"{}" else state


def _key_of(row: msgspec.Raw, names: Sequence[str], where: str) -> bytes | None:
    try:
        fields: Mapping[str, msgspec.Raw] = _decode_fields(row)
    except msgspec.DecodeError:
        raise ReplyError(f"{where} is not an object") from None
    missing = [name for name in names if name not in fields]
    if missing:
        raise ReplyError(f"{where} has no {missing[0]}, which is of its primary_key")
    return msgspec.json.encode({name: fields[name] for name in names}) if names else None
