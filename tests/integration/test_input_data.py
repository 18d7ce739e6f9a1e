"""What the function gets for what is in the topic, and what becomes of records that cannot be converted."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from confluent_kafka import Message, Producer

from kafka_lambda_sink.core.errors import PartitionStopped
from tests.support.running_task import Sink, headers_of

MakeSink = Callable[..., Sink]
flat = chain.from_iterable

STRING = "org.apache.kafka.connect.storage.StringConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
ESCAPED = "io.confluent.connect.aws.lambda.converters.EscapedJsonKeyValueConverter"
POISON = b'{"n":'

TEN_THOUSAND_KEYS = json.dumps({f"key-{n}": n for n in range(10_000)}).encode()
DEEPEST = b"[" * 200 + b"]" * 200


def body_of(sink: Sink, entries: list[tuple[bytes, bytes]], timestamps: list[int]) -> bytes:
    """A whole payload of one partition, byte for byte as the model has it, of JSON texts of keys and values."""
    head = b'{"payload":{"timestamp":%d,"topic":"%s","partition":0,"offset":%d,"key":%s,"value":%s}}'
    topic = sink.source.encode()
    return b"[%s]" % b",".join(
        head % (timestamp, topic, offset, key, value)
        for offset, ((key, value), timestamp) in enumerate(zip(entries, timestamps, strict=True))
    )


@pytest.mark.parametrize(
    ("properties", "records", "entries"),
    [
        pytest.param(
            {"key.converter": STRING, "value.converter": STRING},
            [(b"k", 'caf\u00e9 "\\\n\u2028\U0001f600'.encode()), (None, None), (b"", b""), (b"\x00\x7f", b'{"a":1}')],
            [
                (b'"k"', 'caf\u00e9 \\"\\\\\\n\u2028\U0001f600'.encode()),
                (b"null", b"null"),
                (b'""', b'""'),
                (b'"\\u0000\x7f"', b'"{\\"a\\":1}"'),
            ],
            id="strings",
        ),
        pytest.param(
            {},
            [
                (b"k", b'{ "a" : 1.0e2,\t"b":[1,  2]}'),
                (None, None),
                (b"", b"null"),
                (b"k", b'"text"'),
                (b"k", b"18446744073709551616"),
                (b"k", b"[9223372036854775808,-0.0,0.10000000000000000555111512312578270211815834045410156250]"),
                (b"k", b'{"a":1,"a":2}'),
                (b"k", '{"caf\u00e9":"\\ud83d\\ude00 \\u0000"}'.encode()),
                (b"k", DEEPEST),
                (b"k", TEN_THOUSAND_KEYS),
            ],
            [
                (b'"k"', b'{ "a" : 1.0e2,\t"b":[1,  2]}'),
                (b"null", b"null"),
                (b'""', b"null"),
                (b'"k"', b'"text"'),
                (b'"k"', b"18446744073709551616"),
                (b'"k"', b"[9223372036854775808,-0.0,0.10000000000000000555111512312578270211815834045410156250]"),
                (b'"k"', b'{"a":1,"a":2}'),
                (b'"k"', '{"caf\u00e9":"\\ud83d\\ude00 \\u0000"}'.encode()),
                (b'"k"', DEEPEST),
                (b'"k"', TEN_THOUSAND_KEYS),
            ],
            id="defaults",
        ),
        pytest.param(
            {"key.converter": JSON, "key.converter.schemas.enable": "false", "value.converter": JSON},
            [
                (b'{"id":7}', b'{"schema":{"type":"int64"},"payload":18446744073709551615}'),
                (None, b'{"payload":{"a":[1, 2]},"schema":null}'),
                (b"[1]", None),
            ],
            [(b'{"id":7}', b"18446744073709551615"), (b"null", b'{"a":[1, 2]}'), (b"[1]", b"null")],
            id="json with schemas",
        ),
        pytest.param(
            {"key.converter": BYTES, "value.converter": BYTES},
            [(b"\xff\x00", b"\xfb\xef\xbe!"), (None, None), (b"", b"")],
            [(b'"/wA="', b'"++++IQ=="'), (b"null", b"null"), (b'""', b'""')],
            id="bytes",
        ),
        pytest.param(
            {
                "record.converter.class": ESCAPED,
                "value.converter": JSON,
                "value.converter.schemas.enable": "false",
            },
            [(b"k", b'{"a": "b"}'), (None, None), (b"k", b"1")],
            [(b'"k"', b'"{\\"a\\": \\"b\\"}"'), (b"null", b"null"), (b'"k"', b'"1"')],
            id="escaped",
        ),
    ],
)
def test_what_the_function_gets(
    sink: Sink, properties: dict[str, str], records: list[Any], entries: list[tuple[bytes, bytes]]
):
    sink.produce(records)
    timestamps = [message.timestamp()[1] for message in sink.read(sink.source)]
    with sink.running(properties) as task:
        (request,) = task.wait_requests(1)
        assert b"\n" not in request.body
    expected = body_of(sink, [(key, quoted(value)) for key, value in entries], timestamps)
    assert request.body == expected
    assert sink.committed() == {0: len(records)}


def quoted(text: bytes) -> bytes:
    """JSON texts as they are; the one text of a test that is easier to read without its quotes, in quotes."""
    return b'"' + text + b'"' if text.startswith(b"caf") else text


def test_a_record_without_a_timestamp_has_null_and_headers_are_not_part_of_the_payload(make_sink: MakeSink):
    # The broker would soon delete what is of 1970.
    sink = make_sink(retention_ms="-1")
    producer = Producer({"bootstrap.servers": sink.cluster.bootstrap})
    producer.produce(sink.source, value=b"1", timestamp=-1)
    producer.produce(sink.source, value=b"2", timestamp=1, headers=[("h", None), ("h", b"\xff\x00"), ("h", b"\xff")])
    assert producer.flush(10) == 0
    with sink.running() as task:
        (request,) = task.wait_requests(1)
    first, second = (entry["payload"] for entry in json.loads(request.body))
    assert (first["timestamp"], second["timestamp"]) == (None, 1)
    assert first.keys() == second.keys() == {"timestamp", "topic", "partition", "offset", "key", "value"}


def test_a_key_of_a_megabyte_arrives(make_sink: MakeSink):
    sink = make_sink(max_message_bytes="3000000")
    key = "k\u00e9".encode() * 350_000
    sink.produce([(key, b"{}"), (b"small", b"{}")])
    with sink.running() as task:
        task.wait_requests(1)
    payloads = [payload for body in sink.bodies() for payload in body]
    assert [payload["key"] for payload in payloads] == [key.decode(), "small"]


def test_batches_are_of_one_partition_in_order_and_at_most_as_large_as_configured(make_sink: MakeSink):
    sink = make_sink(3)
    for partition in range(3):
        sink.produce([b'{"n":%d}' % n for n in range(120)], partition=partition)
    with sink.running({"aws.lambda.batch.size": "50"}) as task:
        task.wait_for(lambda: sum(len(body) for body in sink.bodies()) == 360, "360 records")
    for partition in range(3):
        batches = sink.offsets(partition)
        assert list(flat(batches)) == list(range(120))
        assert max(len(batch) for batch in batches) == 50
    assert all(len({payload["partition"] for payload in body}) == 1 for body in sink.bodies())
    assert sink.committed() == {0: 120, 1: 120, 2: 120}


def test_a_batch_waits_for_its_window_and_a_full_one_does_not(sink: Sink):
    with sink.running({"aws.lambda.batch.window.ms": "3000", "aws.lambda.batch.size": "3"}) as task:
        task.wait_for(lambda: 0 in sink.committed(), "the start of the empty partition")
        sink.produce([b"1"])
        sink.produce([b"2"])
        (partial,) = task.wait_requests(1)
        sink.produce([b"%d" % n for n in range(3)])
        (_, full) = task.wait_requests(2)
    # What says that the end was reached is no record: it fills no batch.
    assert sink.offsets() == [[0, 1], [2, 3, 4]]
    first, _, third, *_ = (message.timestamp()[1] for message in sink.read(sink.source))
    # The broker may have held the first record for a moment before the fetch had it, never the other way round.
    assert partial.arrived_ms - first >= 2900
    assert full.arrived_ms - third < 2900


def test_nothing_is_logged_of_records_that_arrive(sink: Sink):
    with sink.running({"aws.lambda.batch.size": "1"}) as task:
        sink.produce([b"{}"])
        task.wait_committed({0: 1})
        before = len(task.log.lines)
        sink.produce([b"{}"] * 40)
        task.wait_committed({0: 41})
        assert task.log.lines[before:] == []


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_batch_is_cut_by_its_encoded_bytes(make_sink: MakeSink, over: int):
    """The limit has room for a byte more than two records, for exactly two, or for a byte less."""
    sink = make_sink(3)
    values = [b"x" * 60, b'"' * 30, "\u00e9".encode() * 30]
    entry = len(body_of(sink, [(b"null", b'"%s"' % values[0])], [10**12]))
    # Brackets and comma: two entries take one byte less than twice what one takes.
    limit = 2 * entry - 1 - over
    for partition, value in enumerate(values):
        sink.produce([value] * 4, partition=partition)
    with sink.running({"value.converter": STRING, "aws.lambda.batch.max.bytes": str(limit)}) as task:
        task.wait_for(lambda: sum(len(body) for body in sink.bodies()) == 12, "12 records")
    for partition in range(3):
        assert sink.offsets(partition) == ([[0], [1], [2], [3]] if over > 0 else [[0, 1], [2, 3]])
    assert max(len(request.body) for request in sink.requests()) == (entry if over > 0 else limit + over)


@pytest.mark.parametrize(("kind", "limit"), [("sync", 6_291_456), ("async", 1_048_576)])
def test_a_single_record_is_tried_up_to_lambdas_own_limit(make_sink: MakeSink, kind: str, limit: int):
    sink = make_sink(max_message_bytes="8000000")
    rest = len(body_of(sink, [(b"null", b'""')], [10**12]))
    sink.produce([b"x", b"y" * (limit - rest), b"z" * (limit - rest + 1), b"x"])
    properties = {
        "value.converter": STRING,
        "aws.lambda.invocation.type": kind,
        "behavior.on.error": "log",
        "aws.lambda.error.topic": sink.errors,
    }
    with sink.running(properties) as task:
        task.wait_committed({0: 4})
        (line,) = task.log.events("batch failed")
    assert [len(request.body) for request in sink.requests()][1] == limit
    assert sink.offsets() == [[0], [1], [3]]
    assert (line["function_error"], line["start_offset"], line["end_offset"]) == ("RecordTooLarge", 2, 3)


def test_transactions_leave_no_lag_and_aborted_records_are_never_sent(sink: Sink):
    sink.cluster.produce_transaction(sink.source, [b"1", b"2"])
    sink.cluster.produce_transaction(sink.source, [b"3"], abort=True)
    sink.cluster.produce_transaction(sink.source, [b"4"])
    sink.cluster.produce_transaction(sink.source, [b"5"], abort=True)
    with sink.running() as task:
        task.wait_committed(sink.cluster.end_offsets(sink.source))
    assert [payload["value"] for body in sink.bodies() for payload in body] == [1, 2, 4]


# --- records that cannot be converted --------------------------------------------------------------------------------

UNCONVERTIBLE = {
    "invalid UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'"\xc0\xaf"',
    "truncated": POISON,
    "two values": b"{} {}",
    "empty": b"",
    "byte order mark": b"\xef\xbb\xbf{}",
    "not a number": b"NaN",
    "infinity": b'{"a":-Infinity}',
    "beyond a double": b'{"a":1e999}',
    "single quotes": b"{'a':1}",
    "control character": b'"a\nb"',
    "lone surrogate": b'"\\ud800"',
    "one level too deep": b"[" + DEEPEST + b"]",
    "depth bomb": b'{"a":' * 100_000,
}


def test_unconvertible_records_go_to_the_dead_letter_topic_raw_and_the_others_on(sink: Sink):
    good = [b'{"n":%d}' % n for n in range(len(UNCONVERTIBLE) + 1)]
    headers = [("h", None), ("h", b"\x00\xff"), ("h", b"\x00\xff"), ("", b"")]
    bad: list[Any] = [
        (b"\xffkey" if n % 2 == 0 else None, value, headers) for n, value in enumerate(UNCONVERTIBLE.values())
    ]
    records = [record for pair in zip(good, bad, strict=False) for record in pair] + good[-1:]
    sink.produce(records)
    properties = {
        "key.converter": BYTES,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": sink.dead_letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }
    with sink.running(properties) as task:
        task.wait_committed({0: len(records)})
    dead = sink.read(sink.dead_letters)
    assert [(message.key(), message.value()) for message in dead] == [(key, value) for key, value, _ in bad]
    for index, message in enumerate(dead):
        found = headers_of(message)
        assert found[:4] == headers
        context = dict(found[4:])
        assert context["__connect.errors.offset"] == str(2 * index + 1).encode()
        assert context["__connect.errors.topic"] == sink.source.encode()
        assert context["__connect.errors.partition"] == b"0"
        assert context["__connect.errors.stage"] == b"VALUE_CONVERTER"
        assert context["__connect.errors.connector.name"] == sink.name.encode()
        assert b"not valid JSON" in (context["__connect.errors.exception.message"] or b"")
        assert len(context) == 10
    assert [payload["value"]["n"] for body in sink.bodies() for payload in body] == list(range(len(good)))
    assert all(request.status == 200 for request in sink.requests())


def test_dead_letters_have_no_headers_but_their_own_by_default(sink: Sink):
    sink.produce([(b"k", POISON, [("h", b"1")]), (b"k", POISON)])
    properties = {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": sink.dead_letters,
        "errors.deadletterqueue.topic.replication.factor": "-1",
    }
    with sink.running(properties) as task:
        task.wait_committed({0: 2})
    dead: list[Message] = sink.read(sink.dead_letters)
    assert [headers_of(message) for message in dead] == [[("h", b"1")], []]


def test_tolerated_records_without_a_dead_letter_topic_are_logged_with_their_coordinates(sink: Sink):
    sink.produce([*[b"{}"] * 25, POISON, *[b"{}"] * 24])
    with sink.running({"errors.tolerance": "all", "aws.lambda.batch.size": "50"}) as task:
        task.wait_committed({0: 50})
        (line,) = task.log.events("record not converted")
    assert (line["level"], line["topic"], line["partition"], line["offset"]) == ("error", sink.source, 0, 25)
    assert line["stage"] == "VALUE_CONVERTER"
    assert POISON.decode() not in str(line)
    assert list(flat(sink.offsets())) == [*range(25), *range(26, 50)]


def test_an_unconvertible_record_stops_its_partition_whatever_behavior_on_error_says(make_sink: MakeSink):
    """`errors.tolerance=none`: what came before it is delivered, nothing after it, and the other partition runs on."""
    sink = make_sink(2)
    sink.produce([*[b"{}"] * 25, POISON, *[b"{}"] * 24])
    properties = {"behavior.on.error": "ignore", "aws.lambda.batch.size": "50", "aws.lambda.error.topic": sink.errors}
    for run in range(1, 3):
        with sink.running(properties) as task:
            error = task.wait_stopped(0)[0]
            assert isinstance(error, PartitionStopped)
            assert "VALUE_CONVERTER" in str(error)
            sink.produce([b"{}"], partition=1)
            task.wait_committed({0: 25, 1: run})
    assert list(flat(sink.offsets(0))) == list(range(25))
    assert sink.read(sink.errors) == []
