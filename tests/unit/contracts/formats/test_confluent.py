from __future__ import annotations

from dataclasses import replace

from kafka_lambda_sink.contracts.formats.confluent import build_confluent
from tests.support.formatting import request_of
from tests.support.records import record


def test_escaped_keys_and_values_without_a_schema_are_strings_of_json():
    escaped = build_confluent(escaped=("key", "value"))
    # The string converter gives a schema, the JSON converter none.
    (entry,) = request_of(escaped, record(1, b'{"a": 1}', b"k"))
    assert (entry["payload"]["key"], entry["payload"]["value"]) == ("k", '{"a":1}')
    (entry,) = request_of(escaped, record(1, b'"x"', b"1"), key="json", value="string")
    assert (entry["payload"]["key"], entry["payload"]["value"]) == ("1", '"x"')
    (entry,) = request_of(escaped, record(1, None, None))
    assert entry["payload"]["key"] is entry["payload"]["value"] is None


def test_headers_are_written_where_they_are_asked_for():
    sent = record(1, headers=[("n", b"7")])
    (entry,) = request_of(build_confluent(writes_headers=True), sent, transform=lambda it: replace(it, topic="other"))
    assert entry["payload"]["headers"] == [{"name": "n", "value": 7}]
    assert entry["payload"]["topic"] == "orders"
    (entry,) = request_of(build_confluent(), sent)
    assert "headers" not in entry["payload"]
