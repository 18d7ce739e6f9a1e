"""Every sample becomes a configuration that `check --offline` accepts, and nothing of it goes without a word."""

import re

import pytest

from kafka_lambda_sink.cli.check_report import CheckReport
from kafka_lambda_sink.config.keys import attributes
from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.config.properties import read_settings
from kafka_lambda_sink.connector.checks import check_connector
from kafka_lambda_sink.migration.references import names_in, replace
from kafka_lambda_sink.pipeline.clock import SystemClock
from tests.support.connector_files import EXPECTED, FILES, WORKER
from tests.support.migrations import SAMPLES, Sample, answered, migrate_file, migrated, samples, written

CONFLUENT = [name for name in EXPECTED if not name.startswith("nordstrom")]
CONNECTORS = [
    *(path for path in sorted(SAMPLES.iterdir()) if path.name.startswith(("confluent", "nordstrom"))),
    *(FILES / name for name in EXPECTED),
]
#: Answers to references in what is proposed.
PROPOSED = {
    "SCHEMA_REGISTRY_URL": "https://registry.example.com",
    "aws.role.arn": "arn:aws:iam::123456789012:role/invoke",
    "aws.lambda.region": "eu-west-1",
}
#: Sizes of topics that are not written.
SIZES = re.compile(r"reporter_(?:result|error)_topic_(?:partitions|replication_factor)")


@pytest.mark.parametrize("sample", samples(), ids="-".join)
def test_the_output_passes_the_check(sample, tmp_path):
    loaded = load(written(answered(sample), tmp_path), environ={})
    findings = list(check_connector(loaded, SystemClock(), is_offline=True))
    assert CheckReport(findings).exit_code == 0
    assert loaded.ignored == []
    assert loaded.warnings == []


@pytest.mark.parametrize("sample", samples(), ids="-".join)
def test_what_is_proposed_is_accepted_too(sample, tmp_path):
    migration = answered(sample)
    proposed = dict(pair for decision in migration.decisions for pair in decision.proposals)
    text = " ".join(proposed.values())
    migration.settings |= {
        key: replace(value, {name: PROPOSED.get(name, "given") for name in names_in(value)})
        for key, value in proposed.items()
    }
    migration.decisions.clear()
    environ = dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", text), "user:password")
    loaded = load(written(migration, tmp_path), environ=environ)
    assert proposed.keys() <= {key.key for key in loaded.used}


@pytest.mark.parametrize("sample", samples(), ids="-".join)
def test_every_reference_is_asked_for_by_its_name(sample):
    migration = migrated(sample)
    named = {name for value in migration.settings.values() for name in re.findall(r"\$\{([^:}]+)\}", value)}
    assert named <= {decision.about[2:-1] for decision in migration.decisions}


@pytest.mark.parametrize("path", CONNECTORS, ids=lambda path: path.name)
def test_every_key_of_a_connector_is_told_of(path):
    migration = migrate_file(path)
    told = {mapped.theirs for mapped in migration.mapped} | {dropped.theirs for dropped in migration.dropped}
    told |= {decision.about for decision in migration.decisions}
    assert {setting.key for setting in read_settings(path).settings} <= told
    assert migration.settings.keys() - {"bootstrap.servers", "name"} <= {mapped.ours for mapped in migration.mapped}


@pytest.mark.parametrize("name", CONFLUENT)
def test_confluent_s_own_files_mean_the_same_as_before(name, tmp_path):
    before = load(FILES / name, worker=WORKER, environ={})
    migration = migrate_file(FILES / name, {"bootstrap.servers": "broker:9092"})
    path = written(migration, tmp_path)
    # A provider's files lie beside the configuration.
    after = load(path, worker=WORKER, environ={})
    for attribute in set(attributes().values()) - {"connector_class"}:
        if SIZES.fullmatch(attribute) and not getattr(
            before.sink, f"aws_lambda_{'response' if 'result' in attribute else 'error'}_topic"
        ):
            continue
        assert getattr(after.sink, attribute) == getattr(before.sink, attribute), attribute
    assert after.clients == before.clients
    assert after.transforms == before.transforms
    assert not {"connector.class"} & {key.key for key in after.used}


def test_secrets_are_in_the_file_alone(tmp_path):
    for name in ("reporter.json", "scram.properties", "../migrations/confluent-cloud-multiple.json"):
        migration = migrate_file(FILES / name)
        assert "canary" in written(migration, tmp_path).read_text()
        assert "canary" not in repr(migration)


@pytest.mark.parametrize(
    ("sample", "settings"),
    [
        (
            Sample("event-source-mapping.json", "price-orders"),
            {
                "topics": "orders",
                "auto.offset.reset": "earliest",
                "aws.lambda.function.name": "arn:aws:lambda:eu-west-1:123456789012:function:price-orders:live",
                "aws.lambda.region": "eu-west-1",
                "aws.lambda.batch.size": "500",
                "aws.lambda.batch.window.ms": "2000",
                "aws.lambda.retry.function.errors": "4",
                "aws.lambda.record.max.age.ms": "3600000",
                "aws.lambda.bisect.on.error": "true",
                "aws.lambda.error.topic": "orders-failed",
                "behavior.on.error": "log",
                "aws.lambda.request.format": "aws-msk",
                "aws.lambda.request.event.source.arn": (
                    "arn:aws:kafka:eu-west-1:123456789012:cluster/orders/5a6b7c8d-0000-0000-0000-000000000000-3"
                ),
                "aws.lambda.reply.contract": "batch-item-failures",
                "key.converter": "bytes",
                "value.converter": "bytes",
            },
        ),
        (
            Sample("event-source-mappings.json", "clicks"),
            {
                "bootstrap.servers": "kafka1.example.com:9096,kafka2.example.com:9096",
                "aws.lambda.batch.size": "100",
                "aws.lambda.batch.window.ms": "500",
                "aws.lambda.retry.function.errors": "10",
                "aws.lambda.request.format": "aws-self-managed",
                "behavior.on.error": "log",
            },
        ),
        (
            Sample("cloudformation.yaml", "price-orders-dev"),
            {"topics": "orders-dev", "aws.lambda.function.name": "price-orders-dev", "auto.offset.reset": "latest"},
        ),
        (
            Sample("cloudformation.json", "ClicksTrigger"),
            {
                "bootstrap.servers": "kafka1.example.com:9094,${Fn.ImportValue.SecondBroker}",
                "aws.lambda.function.name": "${ClicksFunction.Arn}",
                "aws.lambda.retry.function.errors": "-1",
            },
        ),
        (
            Sample("sam.yaml", "count-clicks"),
            {
                "bootstrap.servers": "kafka1.example.com:9092,kafka2.example.com:9092",
                "aws.lambda.function.name": "count-clicks",
                "aws.lambda.batch.size": "1000",
            },
        ),
        (
            Sample("sam.yaml", "Orders-FromMsk"),
            {
                "aws.lambda.function.name": "${Orders.Arn}",
                "aws.lambda.retry.function.errors": "3",
                "aws.lambda.error.topic": "orders-failed",
            },
        ),
        (
            Sample("serverless.yml", "shop-dev-orders"),
            {
                "name": "shop-dev-orders",
                "topics": "orders-dev",
                "bootstrap.servers": "kafka1.example.com:9092,kafka2.example.com:9092",
                "aws.lambda.region": "eu-west-1",
                "aws.lambda.batch.window.ms": "5000",
                "aws.lambda.filter.patterns": (
                    r'{"Filters": [{"Pattern": "{\"value\": {\"status\": [\"paid\"]}}"}, '
                    r'{"Pattern": "{\"value\": {\"total\": [{\"numeric\": [\">\", 100]}]}}"}]}'
                ),
            },
        ),
        (
            Sample("serverless-msk.yml", "collect-metrics"),
            {"aws.lambda.batch.size": "${env.BATCH_SIZE}", "bootstrap.servers": "${bootstrap.servers}"},
        ),
        (
            Sample("main.tf", "price-orders"),
            {
                "topics": "orders-prod",
                "aws.lambda.function.name": "price-orders",
                "aws.lambda.retry.function.errors": "2",
                "aws.lambda.filter.patterns": (
                    r'{"Filters": [{"Pattern": "{\"value\": {\"status\": [\"paid\"], '
                    r'\"total\": [{\"numeric\": [\">\", 100]}]}}"}]}'
                ),
            },
        ),
        (
            Sample("self-managed.tf", "clicks"),
            {"bootstrap.servers": "${var.broker}:9092", "auto.offset.reset": "latest"},
        ),
        (
            Sample("terraform-plan.json", "orders-this"),
            {
                "aws.lambda.function.name": "${module.orders.aws_lambda_event_source_mapping.this.function_name}",
                "aws.lambda.region": "us-east-2",
                "aws.lambda.batch.size": "100",
            },
        ),
        (
            Sample("nordstrom.json", "inventory-lambda"),
            {
                "aws.lambda.function.name": "arn:aws:lambda:us-west-2:123456789012:function:sync-inventory",
                "aws.lambda.invocation.type": "sync",
                "aws.lambda.socket.timeout": "60000",
                "aws.lambda.proxy.url": "http://proxy.example.com:3128",
                "aws.lambda.retry.max.attempts": "6",
                "aws.role.external.id": "ext-7",
                "behavior.on.error": "log",
                "aws.lambda.request.format": "nordstrom-json",
                "payload.formatter.value.schema.visibility": "all",
            },
        ),
        (
            Sample("nordstrom-plain.properties", "audit"),
            {
                "aws.lambda.invocation.type": "async",
                "aws.lambda.batch.enabled": "false",
                "aws.lambda.request.format": "nordstrom-plain",
            },
        ),
        (
            Sample("confluent-cloud-multiple.json", "routes"),
            {
                "key.converter": "bytes",
                "value.converter": "bytes",
                "aws.lambda.configuration.mode": "multiple",
                "aws.lambda.topic2function.map": "orders;price-orders:live,returns;take-back",
                "aws.secret.access.key": "canary-of-the-cloud",
            },
        ),
        (
            Sample("confluent-cloud.json", "LambdaSinkConnector_orders"),
            {
                "key.converter": "string",
                "value.converter": "json",
                "value.converter.schemas.enable": "false",
                "aws.role.arn": "arn:aws:iam::123456789012:role/confluent-lambda",
                "behavior.on.error": "log",
            },
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, Sample) else "",
)
def test_what_becomes_of_a_sample(sample, settings):
    assert migrated(sample).settings | settings == migrated(sample).settings


@pytest.mark.parametrize("sample", samples(), ids="-".join)
def test_the_trigger_s_own_group_is_taken_over_on_demand(sample):
    key = "consumer.override.group.id"
    assert answered(sample, "of-old").settings[key] == "of-old"
    assert key not in answered(sample).settings
    about = {decision.about: decision for decision in answered(sample).decisions}
    assert "stop" in about["offsets"].question or "--take-over-group" in about["offsets"].question
