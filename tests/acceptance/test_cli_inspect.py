"""`inspect` as a process: a record of a real broker, step by step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.avro_records import framed
from tests.support.cluster import Cluster
from tests.support.command import run
from tests.support.schema_registry import ApicurioRegistry

pytestmark = pytest.mark.broker

TRANSFORMS = {
    "transforms": "key",
    "transforms.key.type": "org.apache.kafka.connect.transforms.ValueToKey",
    "transforms.key.fields": "id",
    "fields.exclude": "card",
    "tombstones": "drop",
    "aws.lambda.filter.patterns": '[{"value": {"id": [{"numeric": ["<", 100]}]}}]',
    "aws.lambda.record.headers": "true",
}


@pytest.fixture
def topic(cluster: Cluster) -> str:
    topic = cluster.create_topic()
    cluster.produce(
        topic,
        [b'{"id": 7, "card": "4111"}', b'{"id": 700}', b'{"id": ', b"\xff\x00", (None, None)],
    )
    return topic


@pytest.fixture
def inspect(cluster: Cluster, topic: str, tmp_path: Path):
    path = tmp_path / "sink.properties"
    properties = TRANSFORMS | {
        "name": "orders",
        "bootstrap.servers": cluster.bootstrap,
        "topics": topic,
        "aws.lambda.function.name": "orders",
        "aws.lambda.region": "us-east-1",
    }
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")

    def inspected(offset: str, *options: str) -> Any:
        return run("inspect", "--config", path, "--offset", offset, *options)

    return inspected


def test_a_record_is_followed_to_its_payload(inspect: Any, topic: str):
    result = inspect("0", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["sent"] is True
    steps = {step["name"]: step for step in found["steps"]}
    assert list(steps) == ["raw", "converted", "tombstones", "transforms.key", "fields", "filter", "payload"]
    assert steps["raw"]["shown"]["value"] == '{"id": 7, "card": "4111"}'
    assert steps["transforms.key"]["shown"]["key"] == {"id": 7}
    assert steps["tombstones"]["shown"] == "unchanged"
    assert steps["fields"]["shown"]["value"] == {"id": 7}
    (entry,) = steps["payload"]["shown"]
    assert entry["payload"] | {"timestamp": 0} == {
        "timestamp": 0, "topic": topic, "partition": 0, "offset": 0,
        "key": {"id": 7}, "value": {"id": 7}, "headers": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        ("1", "filter: filtered out"),
        ("2", "value converter: failed: the value is not valid JSON"),
        ("3", '"base64"'),
        ("latest", "tombstones: dropped"),
    ],
    ids=["filtered out", "poison", "not text", "a tombstone"],
)
def test_1_for_a_record_that_the_function_does_not_get(inspect: Any, offset: str, words: str):
    result = inspect(offset)
    assert result.returncode == 1, result.stderr
    assert words in result.stdout
    assert result.stdout.splitlines()[-1] == "The function does not get it."


def test_a_record_whose_schema_is_in_a_registry(cluster: Cluster, schema_registry: ApicurioRegistry, tmp_path: Path):
    topic = cluster.create_topic()
    fields = [{"name": "id", "type": "long"}, {"name": "card", "type": "string"}]
    schema_id = schema_registry.register(f"{topic}-value", {"type": "record", "name": "Order", "fields": fields})
    cluster.produce(topic, [framed(b"\x0e\x084111", schema_id), framed(b"\x0e", 999_999)])
    path = tmp_path / "sink.properties"
    path.write_text(
        f"name=orders\nbootstrap.servers={cluster.bootstrap}\ntopics={topic}\naws.lambda.function.name=orders\n"
        "aws.lambda.region=us-east-1\nvalue.converter=io.confluent.connect.avro.AvroConverter\nfields.exclude=card\n"
        f"value.converter.schema.registry.url={schema_registry.url}\n",
        encoding="utf-8",
    )
    found = json.loads(run("inspect", "--config", path, "--offset", "0", "--json").stdout)
    steps = {step["name"]: step["shown"] for step in found["steps"]}
    assert steps["converted"]["value"] == {"id": 7, "card": "4111"}
    assert steps["payload"][0]["payload"]["value"] == {"id": 7}
    unknown = run("inspect", "--config", path, "--offset", "1")
    assert unknown.returncode == 1
    assert "the schema 999999, which the registry does not have" in unknown.stdout


def test_1_for_an_offset_that_is_not_there(inspect: Any, topic: str):
    result = inspect("99")
    assert result.returncode == 1
    assert f"{topic}-0 has no record at offset 99" in result.stderr
    assert "Traceback" not in result.stderr


def test_2_for_an_offset_that_is_none(inspect: Any):
    result = inspect("-5")
    assert result.returncode == 2
    assert "a number, earliest or latest" in result.stderr


@pytest.mark.parametrize(("source", "step"), [("value:id", ("tenant", "7", "")), ("key", None)])
def test_a_record_is_shown_with_its_tenant(inspect: Any, source: str, step: tuple[str, str, str] | None):
    result = inspect("0", "--json", "--set", f"aws.lambda.tenant.id.from={source}")
    found = json.loads(result.stdout)
    last = found["steps"][-2:]
    if step is not None:
        assert (last[0]["name"], last[0]["shown"], last[0]["outcome"]) == step
        assert found["sent"] is True
    else:
        assert last[1]["outcome"] == "failed: the record has no tenant id: there is nothing at key"
        assert found["sent"] is False
