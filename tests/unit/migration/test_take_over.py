"""Whose committed offsets a migrated connector goes on with, and what a person is told of them."""

from __future__ import annotations

import json

import pytest

from kafka_lambda_sink.migration.dialects import candidates
from kafka_lambda_sink.migration.migration import Decision, Migration
from tests.support.migrations import Sample, migrated

GROUP = "consumer.override.group.id"


def offsets_of(migration: Migration) -> Decision:
    (found,) = [each for each in migration.decisions if each.about == "offsets"]
    return found


@pytest.mark.parametrize(
    ("sample", "proposed"),
    [
        (Sample("confluent-cloud.json", "LambdaSinkConnector_orders"), "connect-${connector-id}"),
        (Sample("event-source-mapping.json", "price-orders"), "orders-trigger"),
        (Sample("event-source-mappings.json", "clicks"), "clicks-trigger"),
        (Sample("cloudformation.yaml", "price-orders-dev"), "orders-dev"),
        (Sample("sam.yaml", "count-clicks"), "clicks-trigger"),
        (Sample("sam.yaml", "Orders-FromMsk"), "${UUID}"),
        (Sample("serverless.yml", "shop-dev-orders"), "orders-dev"),
        (Sample("main.tf", "price-orders"), "lambda-orders-prod"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, Sample) else "",
)
def test_the_group_of_the_old_one_is_proposed_where_ours_is_another(sample: Sample, proposed: str):
    migration = migrated(sample)
    assert GROUP not in migration.settings
    decision = offsets_of(migration)
    assert decision.proposals == ((GROUP, proposed),)
    assert "--take-over-group" in decision.question
    taken = migrated(sample, "of-old")
    assert taken.settings[GROUP] == "of-old"
    assert "those of the group of-old are gone on with" in offsets_of(taken).question


@pytest.mark.parametrize(
    "sample",
    [
        Sample("confluent-first-release.properties", "orders-to-lambda"),
        Sample("confluent-reporter.json", "tag-requests"),
        Sample("nordstrom.json", "inventory-lambda"),
    ],
    ids="-".join,
)
def test_a_connector_of_connect_has_our_group_already(sample: Sample):
    migration = migrated(sample)
    ours = f"connect-{sample.title}"
    assert offsets_of(migration).question.startswith(f"those of the group {ours} are gone on with: stop the old")
    assert offsets_of(migration).proposals == ()
    assert GROUP not in migration.settings
    assert GROUP not in migrated(sample, ours).settings


def test_a_trigger_without_a_group_of_its_own_commits_under_its_uuid():
    mapping = {"UUID": "14e0db71", "FunctionArn": "f", "Topics": ["t"]}
    (found,) = candidates("a.json", json.dumps(mapping))
    assert offsets_of(found.migrate({}, None)).proposals == ((GROUP, "14e0db71"),)


@pytest.mark.parametrize("given", ["lcc-abc12", "connect-lcc-abc12"])
def test_the_id_of_a_managed_connector_names_its_group_and_its_topics(given: str):
    migration = migrated(Sample("confluent-cloud.json", "LambdaSinkConnector_orders"), given)
    assert migration.settings[GROUP] == "connect-lcc-abc12"
    proposed = dict(pair for decision in migration.decisions for pair in decision.proposals)
    assert proposed["aws.lambda.error.topic"] == "error-lcc-abc12"
