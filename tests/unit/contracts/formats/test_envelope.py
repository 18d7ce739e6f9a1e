from __future__ import annotations

import json

import pytest

from kafka_lambda_sink.contracts.formats.aws_event import build_aws_self_managed
from kafka_lambda_sink.contracts.formats.envelope import enveloped
from kafka_lambda_sink.contracts.formats.values import build_values
from kafka_lambda_sink.core.record import TopicPartition
from tests.support.formatting import request_of
from tests.support.records import TP, record


def test_the_entries_stand_where_the_template_says():
    template = '{"from": {"name": "${connector}: ${topic}-${partition}"}, "events": "${records}", "limit": 1.10}'
    request_format = enveloped(build_values(), template, connector="c")
    assert request_of(request_format, record(1, b"[1]"), record(2, b"2")) == {
        "from": {"name": "c: orders-3"}, "events": [[1], 2], "limit": 1.10,
    }  # fmt: skip
    # Numbers and white space are the user's.
    assert request_format.frame(TP).after == b'], "limit": 1.10}'


def test_whatever_a_name_holds_it_stays_within_its_string():
    topic = 'a"\\,${connector}ü'
    frame = enveloped(build_values(), '{"a": "${topic}", "b": "${records}"}', connector='"').frame(
        TopicPartition(topic, 0)
    )
    assert json.loads(frame.payload([])) == {"a": topic, "b": []}


def test_a_format_with_a_frame_of_its_own_goes_in_whole():
    inner = build_aws_self_managed(bootstrap_servers="b")
    event = request_of(enveloped(inner, '["${records}"]', connector="c"), record(1))
    assert [it["eventSource"] for it in event] == ["SelfManagedKafka"]


def test_the_template_may_be_the_placeholder_alone_and_spelt_with_escapes():
    assert request_of(enveloped(build_values(), r' "\u0024{records}" ', connector="c"), record(1, b"1")) == [1]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", "not JSON"),
        ('{"a": ${records}}', "not JSON"),
        ('{"a": "${records}"', "not JSON"),
        ("[" * 201 + '"${records}"' + "]" * 201, "nested deeper"),
        ('{"a": 1}', "0 times"),
        ('["${records}", "${records}"]', "2 times"),
        ('["x ${records}"]', r"\$\{records\} is not known"),
        ('["${records}", "${offset}"]', r"\$\{offset\} is not known; there are \$\{connector\}, \$\{partition\}"),
        ('{"${topic}": "${records}"}', r"\$\{topic\} is not known"),
        ('{"${records}": 1}', r"\$\{records\} is not known"),
        ('["${records}", "\ud800"]', "lone surrogate"),
    ],
)
def test_templates_that_cannot_work(template: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        enveloped(build_values(), template, connector="c")
