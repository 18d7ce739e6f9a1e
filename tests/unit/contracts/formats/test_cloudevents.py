from __future__ import annotations

import pytest

from kafka_lambda_sink.contracts.formats.cloudevents import build_cloudevents
from tests.support.formatting import request_of
from tests.support.records import record

FORMAT = build_cloudevents(event_type="order.${connector}", connector="c")


def test_an_event_names_its_record_and_its_source():
    assert request_of(FORMAT, record(41, b'{"id": 1}', b"k1")) == [
        {
            "specversion": "1.0",
            "id": "orders-3-41",
            "source": "/topics/orders",
            "type": "order.c",
            "time": "2023-11-14T22:13:20.000Z",
            "partitionkey": "k1",
            "datacontenttype": "application/json",
            "data": {"id": 1},
        }
    ]


def test_bytes_are_base64_and_a_tombstone_has_no_data():
    (event,) = request_of(FORMAT, record(1, b"\xff", None), value="bytes")
    assert (event["data_base64"], event["datacontenttype"]) == ("/w==", "application/octet-stream")
    assert "data" not in event
    assert "partitionkey" not in event
    (event,) = request_of(FORMAT, record(1, None, b"", timestamp=(0, -1)))
    assert event.keys() == {"specversion", "id", "source", "type"}


def test_keys_that_are_no_text_are_written_as_json():
    (event,) = request_of(FORMAT, record(1, b"1", b'{"id": 7}'), key="json")
    assert event["partitionkey"] == '{"id":7}'


def test_a_time_beyond_the_calendar_is_left_out():
    (event,) = request_of(FORMAT, record(1, timestamp=(1, 2**62)))
    assert "time" not in event


@pytest.mark.parametrize(
    ("source", "event_type", "reason"),
    [
        ("", "t", "source must not be empty"),
        ("s", "", "type must not be empty"),
        ("${x}", "t", r"\$\{x\} is not known"),
    ],
)
def test_what_cannot_be_a_source_or_type(source: str, event_type: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        build_cloudevents(source=source, event_type=event_type, connector="c")
