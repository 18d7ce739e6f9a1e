"""Invariants of what the bodies and the reports hold: I5 to I8, I13."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kafka_lambda_sink.core.record import TopicPartition
from tests.support.observation import Call, Observation, Visible, Written, strict_json
from tests.support.violation import Violation

if TYPE_CHECKING:
    from tests.support.checker import Expectation

_COORDINATES = {"topic": str, "partition": int, "offset": int}
_FIELDS = ("timestamp", "topic", "partition", "offset", "key", "value")
_ERROR_TEXTS = ("inputPayload", "logResult", "payload", "executedVersion")


def bodies(run: Observation, expect: Expectation) -> Iterator[Violation]:
    """I5, I6: one partition a body, within the limits, valid JSON; every field as in the source."""
    sources: dict[tuple[Any, Any, Any], Visible] = {
        (tp.topic, tp.partition, record.offset): record for tp, records in run.visible.items() for record in records
    }
    for call in run.calls:
        if call.problem is not None:
            yield Violation("I5", f"call {call.number}: {call.problem}")
            continue
        yield from _limits(call, expect)
        for payload in call.payloads:
            source = sources.get((payload.get("topic"), payload.get("partition"), payload.get("offset")))
            if source is None:
                yield Violation("I6", f"call {call.number}: no such record in the source", call.tp, payload["offset"])
                continue
            seen = tuple(payload.get(name) for name in _FIELDS)
            if seen != _expected(call.tp, source, expect) or set(payload) != set(_FIELDS):
                yield Violation("I6", f"call {call.number}: differs from the source: {seen}", call.tp, source.offset)


def results(run: Observation, expect: Expectation) -> Iterator[Violation]:
    """I7: a result's key is the coordinates of a source record, its value the payload of a reply that counts."""
    answers: dict[tuple[TopicPartition, int], list[dict[str, Any]]] = defaultdict(list)
    for call in run.calls:
        if call.succeeded(with_results=True) and call.answers is not None:
            for answer in call.answers:
                answers[call.tp, answer["offset"]].append(answer)
    visible = {(tp, record.offset) for tp, records in run.visible.items() for record in records}
    for written in run.results or ():
        key = _document(written.key)
        if set(key) != set(_COORDINATES) or any(type(key[name]) is not kind for name, kind in _COORDINATES.items()):
            yield Violation("I7", f"the key {written.key!r} is no coordinates")
            continue
        place = TopicPartition(key["topic"], key["partition"]), key["offset"]
        if place not in visible:
            yield Violation("I7", "a result of a record that is not in the source", *place)
        elif _document(written.value) not in answers[place] and not _is_unfinished(run, expect, place):
            yield Violation("I7", f"{written.value!r} is in no reply that counts", *place)


def errors(run: Observation) -> Iterator[Violation]:
    """I8: an error's key covers one batch that failed (or one record), and its value has all its fields."""
    failed = {
        (call.tp, call.offsets[0], call.offsets[-1] + 1)
        for call in run.calls
        if call.payloads and not call.succeeded(with_results=run.results is not None)
    }
    single = {(tp, record.offset, record.offset + 1) for tp, records in run.visible.items() for record in records}
    for written in run.errors or ():
        key = _document(written.key)
        tp = TopicPartition(key.get("topic", ""), key.get("partition", -1))
        start, end = key.get("startOffset"), key.get("endOffset")
        if (tp, start, end) not in failed | single:
            yield Violation("I8", f"the key {written.key!r} covers no batch that failed", tp, start)
        problem = _error_problem(written)
        if problem:
            yield Violation("I8", problem, tp, start)


def secrets(run: Observation, expect: Expectation) -> Iterator[Violation]:
    """I13: no secret in the output or in a report."""
    for secret in expect.secrets:
        if secret in run.output:
            yield Violation("I13", "a secret was printed")
        for written in [*(run.results or ()), *(run.errors or ())]:
            if secret.encode() in (written.key or b"") + (written.value or b""):
                yield Violation("I13", f"a secret is in a report: key {written.key!r}")


def _limits(call: Call, expect: Expectation) -> Iterator[Violation]:
    strangers = {(p.get("topic"), p.get("partition")) for p in call.payloads} - {tuple(call.tp)}
    if strangers:
        yield Violation("I5", f"call {call.number}: more than one partition: {strangers}", call.tp)
    if len(call.payloads) > expect.batch_size:
        yield Violation("I5", f"call {call.number}: {len(call.payloads)} records", call.tp)
    if len(call.body) > expect.batch_bytes and len(call.payloads) > 1:
        yield Violation("I5", f"call {call.number}: {len(call.body)} bytes", call.tp)


def _expected(tp: TopicPartition, source: Visible, expect: Expectation) -> tuple[Any, ...]:
    key = None if source.key is None else expect.key(source.key)
    value = None if source.value is None else expect.value(source.value)
    return source.timestamp, tp.topic, tp.partition, source.offset, key, value


def _is_unfinished(run: Observation, expect: Expectation, place: tuple[TopicPartition, int]) -> bool:
    """Whether the reply may have come to a process that was killed, which the endpoint then takes for not sent."""
    tp, offset = place
    return bool(expect.interruptions) and any(
        not call.sent and call.status == 200 and call.tp == tp and offset in call.offsets for call in run.calls
    )


def _error_problem(written: Written) -> str | None:
    value = _document(written.value)
    if not isinstance(value.get("functionError"), str) or not value["functionError"]:
        return f"functionError is {value.get('functionError')!r}"
    if not isinstance(value.get("functionName"), str) or type(value.get("statusCode")) is not int:
        return f"functionName {value.get('functionName')!r}, statusCode {value.get('statusCode')!r}"
    wrong = [name for name in _ERROR_TEXTS if not isinstance(value.get(name), (str, type(None)))]
    return f"{wrong[0]} is no text" if wrong else None


def _document(data: bytes | None) -> dict[str, Any]:
    try:
        document = strict_json(data or b"")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
