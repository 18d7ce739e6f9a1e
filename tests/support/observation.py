"""What a run left behind, as a black-box checker needs it: the source, the calls, the reports, the commits, the log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from confluent_kafka import Message

from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.local.journal import Entry, Execution, Journal

#: Lambda's own word for "accepted".
ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Visible:
    """A record of the source that a read_committed consumer sees."""

    offset: int
    #: Milliseconds, or None where the record has none.
    timestamp: int | None
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation as the endpoint saw it. Times in milliseconds since the epoch."""

    number: int
    arrived: int
    #: When its outcome was known at the earliest: the end of the execution, before a byte of the reply was sent.
    known: int
    #: Whether the whole reply was handed to the network.
    sent: bool
    status: int | None
    function_error: str | None
    body: bytes = field(repr=False)
    reply: bytes = field(repr=False)
    #: The `payload` objects of the request, or why it cannot be read.
    payloads: tuple[dict[str, Any], ...] = field(repr=False)
    problem: str | None
    #: The `payload` objects of the reply, where it is an array of such.
    answers: tuple[dict[str, Any], ...] | None = field(repr=False)

    @property
    def tp(self) -> TopicPartition:
        """Of the first record; (``""``, -1) for a body that cannot be read."""
        first = self.payloads[0] if self.payloads else {}
        return TopicPartition(first.get("topic", ""), first.get("partition", -1))

    @property
    def offsets(self) -> list[int]:
        """Of its records, in the order they came."""
        return [payload["offset"] for payload in self.payloads]

    def succeeded(self, *, with_results: bool) -> bool:
        """Whether the caller got an acceptance, or a reply that says success (and answers each record)."""
        if not self.sent or self.function_error is not None or self.status not in {200, ACCEPTED}:
            return False
        if not with_results or self.status == ACCEPTED:
            return True
        places = [(p["topic"], p["partition"], p["offset"]) for p in self.payloads]
        return self.answers is not None and places == [
            (a.get("topic"), a.get("partition"), a.get("offset")) for a in self.answers
        ]


@dataclass(frozen=True, slots=True)
class Written:
    """A record of the response or error topic."""

    #: When the broker appended it (the topic has `message.timestamp.type=LogAppendTime`).
    appended: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Sample:
    """The group's committed offsets at one moment; `at` is when the answer was in."""

    at: int
    offsets: Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything about one run."""

    visible: Mapping[TopicPartition, Sequence[Visible]]
    #: Log end offsets, markers included.
    ends: Mapping[TopicPartition, int]
    calls: Sequence[Call]
    commits: Sequence[Sample]
    #: None where there is no such topic.
    results: Sequence[Written] | None = None
    errors: Sequence[Written] | None = None
    log: Sequence[Mapping[str, Any]] = ()
    #: Everything that was printed, for secrets.
    output: str = ""


def visible_of(messages: Iterable[Message]) -> dict[TopicPartition, list[Visible]]:
    """The records of `Cluster.read_all`, by partition."""
    found: dict[TopicPartition, list[Visible]] = {}
    for message in messages:
        kind, timestamp = message.timestamp()
        place = TopicPartition(str(message.topic()), message.partition() or 0)
        record = Visible(message.offset() or 0, timestamp if kind else None, message.key(), message.value())
        found.setdefault(place, []).append(record)
    return found


def written_of(messages: Iterable[Message]) -> list[Written]:
    """The records of a report topic, in the order they were appended."""
    written = [Written(message.timestamp()[1], message.key(), message.value()) for message in messages]
    return sorted(written, key=lambda record: record.appended)


def calls_of(journal: Journal) -> list[Call]:
    """Every invocation of the journal, by arrival. Those that never ended count as not sent."""
    runs = {execution.request_id: execution for execution in journal.executions()}
    entries = [entry for entry in journal.requests() if entry.call in {"RequestResponse", "Event"}]
    return [_call(entry, runs.get(entry.request_id or "")) for entry in entries]


def read_log(text: str) -> list[dict[str, Any]]:
    """The lines of a JSON log, each with `at` in milliseconds; other lines are left out."""
    lines = []
    for text_line in text.splitlines():
        if text_line.startswith("{"):
            line = json.loads(text_line)
            line["at"] = int(datetime.fromisoformat(line["timestamp"]).timestamp() * 1000)
            lines.append(line)
    return lines


def strict_json(data: bytes) -> Any:
    """A document as RFC 8259 has it. Raises ValueError: not UTF-8, NaN, infinities, repeated keys."""
    return json.loads(data.decode(), parse_constant=_refuse, object_pairs_hook=_once)


def _call(entry: Entry, execution: Execution | None) -> Call:
    payloads: tuple[dict[str, Any], ...] = ()
    problem = None
    try:
        payloads = tuple(element["payload"] for element in strict_json(entry.body))
        if not payloads:
            problem = "no record"
    except (ValueError, TypeError, KeyError) as error:
        problem = repr(error)
    return Call(
        number=entry.number,
        arrived=entry.arrived_ms,
        known=execution.finished_ms if execution else entry.arrived_ms,
        sent=entry.sent,
        status=entry.status,
        function_error=entry.function_error,
        body=entry.body,
        reply=entry.reply_body,
        payloads=payloads,
        problem=problem,
        answers=_answers(entry.reply_body),
    )


def _answers(reply: bytes) -> tuple[dict[str, Any], ...] | None:
    try:
        answers = tuple(element["payload"] for element in strict_json(reply))
    except (ValueError, TypeError, KeyError):
        return None
    return answers if all(isinstance(answer, dict) for answer in answers) else None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a repeated key")
    return document
