"""A sample of every dialect, migrated, then run: the function gets what it got from its old connector or trigger."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.migrations import Sample, answered
from tests.support.running_task import Sink, coordinates, echo

pytestmark = pytest.mark.broker

#: One that the filter patterns of all samples let pass.
VALUE = {"status": "paid", "total": 150, "type": "order"}
BACKOFF = "aws.lambda.retry.backoff"
RAW = json.dumps(VALUE).encode()


Values = Callable[[Any], list[Any]]


def confluent(event: Any) -> list[Any]:
    return [entry["payload"]["value"] for entry in event]


def cloud(event: Any) -> list[Any]:
    """In base64 there."""
    return [json.loads(base64.b64decode(value)) for value in confluent(event)]


def nordstrom(event: Any) -> list[Any]:
    return [entry["value"] for entry in event]


def plain(event: Any) -> list[Any]:
    """One record a call there, in Java's words."""
    assert event["value"] == "{status=paid, total=150, type=order}"
    return [VALUE]


def trigger(kind: str) -> Values:
    def values(event: Any) -> list[Any]:
        assert event["eventSource"] == kind
        (records,) = event["records"].values()
        return [json.loads(base64.b64decode(record["value"])) for record in records]

    return values


SELF_MANAGED, MSK = trigger("SelfManagedKafka"), trigger("aws:kafka")


def region_of(settings: Mapping[str, str]) -> str:
    """Where a file says nothing, any: a person decides."""
    function = settings.get("aws.lambda.function.name", "")
    return function.split(":")[3] if "arn:" in function else settings.get("aws.lambda.region", "us-east-1")


def surroundings(sink: Sink, settings: Mapping[str, str]) -> dict[str, str | None]:
    """What differs here from where the sample was written: brokers, topics, credentials; and no test waits long."""
    here: dict[str, str | None] = {
        "name": sink.name,
        "bootstrap.servers": sink.cluster.bootstrap,
        "topics": sink.source,
        "aws.lambda.endpoint.url": sink.endpoint.url,
        "aws.access.key.id": "AKIALOCAL",
        "aws.secret.access.key": "secret",
        "auto.offset.reset": "earliest",
        "consumer.override.auto.offset.reset": "earliest",
        "aws.lambda.batch.window.ms": "20",
        # What a test's sink has of its own otherwise.
        "aws.lambda.region": None if "arn:" in settings.get("aws.lambda.function.name", "") else region_of(settings),
        **{key: settings.get(key) for key in (f"{BACKOFF}.max.ms", f"{BACKOFF}.ms")},
        "errors.deadletterqueue.topic.replication.factor": "1",
    }
    for key, value in settings.items():
        if key.startswith(("aws.role.", "aws.lambda.proxy.", "topics.regex", "value.converter.schema.registry")):
            here[key] = None
        elif key.endswith(".replication.factor"):
            here[key] = "1"
        elif key.endswith(".bootstrap.servers"):
            here[key] = sink.cluster.bootstrap
        elif key.endswith("topic.name") or key in {"aws.lambda.response.topic", "aws.lambda.error.topic"}:
            here[key] = value and {"r": sink.results, "e": sink.errors}.get(key.split(".")[2][0], sink.dead_letters)
        elif key == "value.converter" and "Avro" in value:
            here |= {key: "json", "value.converter.schemas.enable": "false"}
        elif key == "aws.lambda.topic2function.map":
            here[key] = value.replace("orders;", f"{sink.source};")
    return here


@pytest.mark.parametrize(
    ("sample", "function", "values"),
    [
        (Sample("confluent-first-release.properties", "orders-to-lambda"), "price-orders:live", confluent),
        (Sample("confluent-reporter.json", "tag-requests"), "tag", confluent),
        (Sample("confluent-cloud-multiple.json", "routes"), "price-orders:live", cloud),
        (Sample("nordstrom.json", "inventory-lambda"), "sync-inventory", nordstrom),
        (Sample("nordstrom-plain.properties", "audit"), "audit", plain),
        (Sample("event-source-mapping.json", "price-orders"), "price-orders:live", MSK),
        (Sample("cloudformation.yaml", "price-orders-dev"), "price-orders-dev", MSK),
        (Sample("sam.yaml", "count-clicks"), "count-clicks", SELF_MANAGED),
        (Sample("serverless.yml", "shop-dev-orders"), "shop-dev-orders", SELF_MANAGED),
        (Sample("main.tf", "price-orders"), "price-orders", MSK),
    ],
    ids=lambda value: value.file if isinstance(value, Sample) else "",
)
def test_a_migrated_file_runs(
    sample: Sample,
    function: str,
    values: Values,
    make_sink: Callable[..., Sink],
    lambda_endpoint: InvokeEndpoint,
):
    sink, settings = make_sink(), answered(sample).settings
    name, _, alias = function.partition(":")
    handler = PythonHandler(echo if values in {confluent, cloud} else lambda _: b"null")
    for each in {name, "take-back"}:
        made = Function(name=each, handler=handler, region=region_of(settings), aliases={"live": "7"}, versions=("7",))
        lambda_endpoint.add_function(made)
    with sink.running(settings | surroundings(sink, settings)) as task:
        sink.produce([RAW, RAW])
        task.wait_committed({0: 2})
    requests = sink.requests()
    assert [value for each in requests for value in values(json.loads(each.body))] == [VALUE] * 2
    assert {(each.function, each.qualifier or "") for each in requests} == {(name, alias)}
    if settings.get("aws.lambda.response.topic"):
        assert [coordinates(result)["offset"] for result in sink.read(sink.results)] == [0, 1]
