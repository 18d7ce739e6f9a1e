from __future__ import annotations

from kafka_lambda_sink.contracts.formats.values import build_values
from tests.support.formatting import request_of
from tests.support.records import record


def test_a_bare_array_in_which_tombstones_are_null():
    assert request_of(build_values(), record(1, b'{"id": 1}'), record(2, None), record(3, b'"x"')) == [
        {"id": 1}, None, "x",
    ]  # fmt: skip
    assert request_of(build_values(), record(1, b"\xff"), value="bytes") == ["/w=="]
