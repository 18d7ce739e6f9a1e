"""The endpoint of the benchmark counts what came, and answers as the contract asks."""

import http.client
import json
import time
from urllib.parse import urlsplit

import pytest

from benchmarks.const_endpoint import ConstEndpoint, Tally, contract_reply
from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.contracts.request import PlainConverter
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.core.batch import Batch
from tests.support.records import TP, record

PATH = "/2015-03-31/functions/bench/invocations"


def batch_of(count: int) -> Batch:
    key = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
    value = build_converter("json", is_key=False, schemas_enable=False, escaped=False)
    assembler = BatchAssembler(PlainConverter(TP, key, value), BatchLimits(count, 6_000_000, 6_291_456))
    [batch] = assembler.batches([record(offset, b'{"payload":{"offset":1}}') for offset in range(7, 7 + count)])
    assert isinstance(batch, Batch)
    return batch


@pytest.fixture
def endpoint():
    with ConstEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def connection(endpoint):
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=10)
    yield connection
    connection.close()


def invoke(connection, payload, kind="RequestResponse"):
    connection.request("POST", PATH, payload, {"X-Amz-Invocation-Type": kind})
    with connection.getresponse() as response:
        return response.status, response.read()


def test_the_reply_passes_the_check_of_the_sink():
    batch = batch_of(50)

    texts = ReplyChecker(TP).check(contract_reply(batch.payload), batch)

    assert [json.loads(text)["offset"] for text in texts] == list(range(7, 57))


def test_the_reply_to_benthos_has_the_same_places():
    request = (
        b'[{"payload":{"key":"a","offset":7,"partition":3,"timestamp":1700000000,"topic":"t","value":{"id":1}}},'
        b'{"payload":{"key":"b","offset":8,"partition":3,"timestamp":1700000000,"topic":"t","value":{"id":2}}}]'
    )

    places = [entry["payload"] for entry in json.loads(contract_reply(request))]

    assert [(place["topic"], place["partition"], place["offset"]) for place in places] == [("t", 3, 7), ("t", 3, 8)]


def test_records_are_counted_from_the_first_to_the_last(endpoint, connection):
    payload = batch_of(500).payload
    endpoint.begin(target=1000, latency=0.0, is_contract=True)

    invoke(connection, b"", "DryRun")
    status, body = invoke(connection, payload)
    first = endpoint.wait(10)
    between = endpoint.tally()
    invoke(connection, payload)
    last = endpoint.wait(10)

    assert (status, body) == (200, contract_reply(payload))
    assert first.records == 0
    assert (between.invocations, between.records) == (1, 500)
    assert (last.invocations, last.records) == (2, 1000)
    assert 0 < first.first == last.first < last.last
    assert last.cpu > 0


def test_a_run_begins_at_nothing(endpoint, connection):
    payload = batch_of(1).payload
    endpoint.begin(target=1, latency=0.0, is_contract=False)
    assert invoke(connection, payload) == (200, b"[]")

    endpoint.begin(target=1, latency=0.05, is_contract=False)

    assert endpoint.tally().records == 0
    invoke(connection, payload)
    tally = endpoint.tally()
    assert tally.records == 1
    assert tally.last - tally.first >= 0.05


def test_records_of_benthos_are_counted(endpoint, connection):
    endpoint.begin(target=2, latency=0.0, is_contract=False)

    invoke(connection, b'[{"payload":{"key":"a","offset":1}},{"payload":{"key":"b","offset":2}}]')

    assert endpoint.tally().records == 2


def test_delays_are_noted_from_the_timestamps_of_records(endpoint, connection):
    endpoint.begin(target=1, latency=0.0, is_contract=False, notes_delays=True)
    now = time.time_ns() // 1_000_000
    records = [{"payload": {"timestamp": now - before}} for before in (50, 50, 50, 5000)]

    invoke(connection, json.dumps(records, separators=(",", ":")).encode())
    tally = endpoint.tally()

    assert sum(tally.delays.values()) == 4
    assert 50 <= tally.delay(0.5) == tally.delay(0.75) < 5000 <= tally.delay(0.76) == tally.delay(1.0) < 15_000


def test_a_share_of_delays_lies_at_or_below_its_bound():
    tally = Tally(delays={1: 50, 99: 49, 199: 1})

    assert (tally.delay(0.5), tally.delay(0.51), tally.delay(0.99), tally.delay(1.0)) == (0.1, 5.0, 5.0, 10.0)
