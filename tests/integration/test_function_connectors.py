"""A function that keeps a state, from a real handler to the commit's metadata of a real broker and back."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.local.endpoint import Function
from kafka_lambda_sink.local.runtime_handler import HandlerFile, RuntimeHandler
from tests.support.running_task import FUNCTION, Sink

pytestmark = pytest.mark.broker

#: Sums amounts a customer, two pages a batch; a negative amount deletes the customer, and a `fail` raises.
HANDLER = """
    def handler(event, context):
        assert event["secrets"] == {"token": "t0k3n"}
        state, records = event["state"], event["records"]
        if not state.get("is_open"):
            return {"state": {**state, "is_open": True}, "insert": {"audit": [{"of": len(records)}]}, "hasMore": True}
        sums, insert, delete = dict(state.get("sums", {})), {}, {}
        for record in records:
            customer, amount = record["key"], record["value"]["amount"]
            if amount == "fail":
                return {"errorMessage": "no amount", "errorType": "ValueError"}
            insert.pop(customer, None)
            if amount < 0:
                sums.pop(customer, None)
                delete[customer] = {"customer": customer}
            else:
                sums[customer] = sums.get(customer, 0) + amount
                insert[customer] = {"customer": customer, "sum": sums[customer]}
        return {
            "state": {"sums": sums},
            "insert": {"totals": list(insert.values())},
            "delete": {"totals": list(delete.values())},
            "schema": {"totals": {"primary_key": ["customer"]}},
        }
"""


@pytest.fixture
def summing(sink: Sink, tmp_path: Path) -> Iterator[Sink]:
    """A sink whose function is the handler."""
    file = tmp_path / "app.py"
    file.write_text(textwrap.dedent(HANDLER), encoding="utf-8")
    (tmp_path / "secrets.json").write_text('{"token":"t0k3n"}', encoding="utf-8")
    handler = RuntimeHandler(HandlerFile(file, "handler"), on_output=lambda _: None)
    sink.endpoint.add_function(Function(name=FUNCTION, handler=handler, timeout=60))
    yield sink
    handler.close()


def properties(sink: Sink, directory: Path) -> dict[str, str | None]:
    return {
        "aws.lambda.batch.size": "3",
        "aws.lambda.request.format": "function-connector",
        "aws.lambda.function.connector.topic": f"{sink.name}-${{entity}}",
        "aws.lambda.function.connector.secrets": f"${{dir:{directory}:secrets.json}}",
        "aws.lambda.reply.routing.topics": f"{sink.name}-audit,{sink.name}-totals",
        "aws.lambda.response.partitions": "1",
        "aws.lambda.response.replication.factor": "1",
        "aws.lambda.error.topic": sink.errors,
        "aws.lambda.error.replication.factor": "1",
        "behavior.on.error": "log",
    }


def amounts(*each: tuple[str, int | str]) -> list[tuple[bytes, bytes]]:
    return [(key.encode(), json.dumps({"amount": amount}).encode()) for key, amount in each]


def rows(messages: list[Message]) -> list[tuple[object, object]]:
    def read(text: str | bytes | None) -> object:
        return None if text is None else json.loads(text)

    return [(read(message.key()), read(message.value())) for message in messages]


def test_a_state_goes_on_where_the_last_owner_left_it(summing: Sink, tmp_path: Path):
    sink = summing
    sink.produce(amounts(("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", "fail"), ("a", 5)))
    with sink.running(properties(sink, tmp_path)) as task:
        task.wait_committed({0: 6})
    offset = sink.cluster.committed(sink.group, sink.source)[0]
    state = commit_metadata.state_of(offset.metadata or "")
    assert json.loads(state or b"") == {"sums": {"a": 4, "b": 2}}, "a batch that is given up leaves no state behind"

    sink.produce(amounts(("b", -1), ("a", 10)))
    with sink.running(properties(sink, tmp_path)) as task:
        task.wait_committed({0: 8})

    assert rows(sink.read(f"{sink.name}-totals")) == [
        ({"customer": "b"}, {"customer": "b", "sum": 2}),
        ({"customer": "a"}, {"customer": "a", "sum": 4}),
        ({"customer": "a"}, {"customer": "a", "sum": 14}),
        ({"customer": "b"}, None),
    ]
    assert [row for _, row in rows(sink.read(f"{sink.name}-audit"))] == [{"of": 3}, {"of": 3}, {"of": 2}]
    ((key, value),) = rows(sink.read(sink.errors))
    assert isinstance(key, dict)
    assert (key["startOffset"], key["endOffset"]) == (3, 6)
    assert "t0k3n" not in json.dumps(value)
    assert "no amount" in json.dumps(value)
