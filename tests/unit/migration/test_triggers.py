"""Triggers of AWS: each of their settings is told of, also where it is a reference or is made by a rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kafka_lambda_sink.migration.dialects import candidates
from kafka_lambda_sink.migration.migration import Migration

ARN = "arn:aws:lambda:eu-west-1:123456789012"
MAPPING: dict[str, Any] = {
    "UUID": "14e0db71-0000-0000-0000-000000000000",
    "FunctionArn": f"{ARN}:function:orders",
    "EventSourceMappingArn": f"{ARN}:event-source-mapping:14e0db71",
    "Topics": ["orders"],
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b:1"], "ZOOKEEPER": ["z:1"]}},
    "SelfManagedKafkaEventSourceConfig": {
        "ConsumerGroupId": "g",
        "ConsumptionMode": "Stream",
        "SchemaRegistryConfig": {"SchemaRegistryURI": "https://r", "EventRecordFormat": "JSON"},
        "NewToUs": 1,
    },
    "StartingPosition": "AT_TIMESTAMP",
    "StartingPositionTimestamp": "2026-01-31T08:00:00Z",
    "BatchSize": 5,
    "MaximumBatchingWindowInSeconds": 1,
    "FilterCriteria": {"Filters": [{"Pattern": "{}"}]},
    "FilterCriteriaError": {"ErrorCode": "x"},
    "MaximumRetryAttempts": 3,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": True,
    "FunctionResponseTypes": [],
    "DestinationConfig": {"OnFailure": {"Type": "Kafka", "Destination": "kafka://failed"}, "OnSuccess": {"A": 1}},
    "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "s"}, {"Type": "NEW_AUTH", "URI": "arn"}],
    "LoggingConfig": {"SystemLogLevel": "WARN"},
    "ProvisionedPollerConfig": {"MinimumPollers": 1},
    "MetricsConfig": {"Metrics": ["EventCount"]},
    "KMSKeyArn": "arn",
    "Tags": {"a": "b"},
    "State": "Enabled",
    "Enabled": True,
    "TumblingWindowInSeconds": 0,
    "NewToUs": {"Inside": 1},
}
TEMPLATE = """
Resources:
  Trigger:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: orders
      Topics: [orders]
      SelfManagedEventSource: {Endpoints: {KafkaBootstrapServers: [b:1]}}
"""
SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: orders
      Events: {FromMsk: {Type: MSK, Properties: {Stream: arn, Topics: [orders]}}}
"""
TERRAFORM = """
provider "aws" {
  alias  = "far"
  region = "us-east-1"
}
provider "aws" { region = "eu-west-3" }
resource "aws_lambda_event_source_mapping" "m" {
  function_name = "orders"
  topics        = ["orders"]
"""


def migrated(name: str, text: str, **answers: str) -> Migration:
    (found,) = candidates(name, text)
    return found.migrate({key.replace("_", "."): value for key, value in answers.items()}, None)


def dropped(migration: Migration) -> set[str]:
    return {each.theirs for each in migration.dropped}


def asked(migration: Migration) -> dict[str, str]:
    return {each.about: each.question for each in migration.decisions}


def paths(node: Any, *above: str) -> set[str]:
    """Names of all settings, those inside of others with a dot between."""
    if not isinstance(node, dict) or not node:
        return {".".join(above)}
    return {path for key, value in node.items() for path in paths(value, *above, key)}


def test_every_setting_of_a_mapping_is_told_of():
    migration = migrated("a.json", json.dumps(MAPPING))
    mapped = {each.theirs for each in migration.mapped}
    told = mapped | dropped(migration) | {about.partition(" ")[0] for about in asked(migration)}
    # What stands inside of a setting that is told of as a whole is told of with it.
    assert {path for path in paths(MAPPING) if not any(f"{path}.".startswith(f"{name}.") for name in told)} == set()
    unknown = {
        "SelfManagedEventSource.Endpoints.ZOOKEEPER",
        "SelfManagedKafkaEventSourceConfig.NewToUs",
        "DestinationConfig.OnSuccess",
        "NewToUs",
        "TumblingWindowInSeconds",
    }
    assert unknown <= dropped(migration)
    assert "SourceAccessConfigurations NEW_AUTH" in asked(migration)


@pytest.mark.parametrize(
    ("properties", "about"),
    [
        ("FilterCriteria: !If [IsProd, {Filters: [{Pattern: '{}'}]}, !Ref AWS::NoValue]", "FilterCriteria"),
        ("FilterCriteria: {Filters: !Ref Filters}", "FilterCriteria.Filters"),
        ("DestinationConfig: !Ref Destination", "DestinationConfig"),
        ("DestinationConfig: {OnFailure: !Ref Destination}", "DestinationConfig.OnFailure"),
        ("SelfManagedKafkaEventSourceConfig: !Ref Config", "SelfManagedKafkaEventSourceConfig"),
        ("SourceAccessConfigurations: !Ref Access", "SourceAccessConfigurations"),
        (
            "FunctionResponseTypes: !If [IsProd, [ReportBatchItemFailures], !Ref AWS::NoValue]",
            "FunctionResponseTypes",
        ),
    ],
)
def test_a_setting_that_is_a_reference_is_a_decision(properties: str, about: str):
    migration = migrated("a.yaml", f"{TEMPLATE}      {properties}\n")
    assert "is a reference" in asked(migration)[about]
    assert not {"aws.lambda.filter.patterns", "aws.lambda.reply.contract", "aws.lambda.error.topic"} & set(
        migration.settings
    )


def test_a_setting_without_a_value_is_not_there():
    migration = migrated("a.yaml", f"{TEMPLATE}      MaximumRetryAttempts: !Ref AWS::NoValue\n")
    assert migration.settings["aws.lambda.retry.function.errors"] == "-1"


def test_two_references_are_asked_for_by_two_names():
    template = f"{TEMPLATE}      BatchSize: !If [IsProd, 9, 1]\n      StartingPosition: !If [IsProd, LATEST, OLD]\n"
    migration = migrated("a.yaml", template)
    assert {"${Fn.If.IsProd.9.1}", "${Fn.If.IsProd.LATEST.OLD}"} <= asked(migration).keys()


@pytest.mark.parametrize(
    ("instead", "name"),
    [
        ("FunctionName: orders", "orders"),
        ("FunctionName: orders\n      AutoPublishAlias: live", "orders:live"),
        ("AutoPublishAlias: live", "${Orders.Arn}:live"),
    ],
)
def test_a_function_of_sam_is_called_by_the_alias_that_it_publishes(instead: str, name: str):
    migration = migrated("a.yaml", SAM.replace("FunctionName: orders", instead))
    assert migration.settings["aws.lambda.function.name"] == name


def test_what_all_functions_of_sam_have():
    migration = migrated("a.yaml", SAM.replace("Resources:", "Globals: {Function: {AutoPublishAlias: v}}\nResources:"))
    assert migration.settings["aws.lambda.function.name"] == "orders:v"


@pytest.mark.parametrize(
    ("body", "region"),
    [
        ("", "eu-west-3"),
        ('region = "eu-north-1"', "eu-north-1"),
        ("provider = aws.far", None),
    ],
)
def test_the_region_of_terraform(body: str, region: str | None):
    migration = migrated("a.tf", f"{TERRAFORM}{body}\n}}\n")
    assert migration.settings.get("aws.lambda.region") == region
    assert ("aws.lambda.region" in asked(migration)) is (region is None)
    assert "region" not in dropped(migration)


def test_a_region_is_asked_for_by_its_name():
    assert "--resolve 'aws.lambda.region=…'" in asked(migrated("a.yaml", TEMPLATE))["aws.lambda.region"]
    migration = migrated("a.yaml", TEMPLATE, aws_lambda_region="eu-west-1")
    assert migration.settings["aws.lambda.region"] == "eu-west-1"
    assert "aws.lambda.region" not in asked(migration)


def test_what_a_rule_makes_of_terraform_is_a_decision():
    body = """
  for_each = toset(["a"])
  dynamic "source_access_configuration" {
    for_each = local.subnets
    content {
      type = "VPC_SUBNET"
      uri  = source_access_configuration.value
    }
  }
  lifecycle { ignore_changes = [enabled] }
}
"""
    migration = migrated("a.tf", TERRAFORM + body)
    assert {"dynamic source_access_configuration", "for_each"} <= asked(migration).keys()
    assert "lifecycle" in dropped(migration)


def test_access_of_the_serverless_framework_that_is_not_known_is_told_of():
    document = """
service: shop
functions:
  f: {events: [{kafka: {bootstrapServers: [b:1], topic: x, accessConfigurations: {newAuth: arn}}}]}
"""
    assert "accessConfigurations NEWAUTH" in asked(migrated("serverless.yml", document))


def test_a_trigger_that_proves_who_it_is_by_iam():
    access = {"SourceAccessConfigurations": [{"Type": "IAM_AUTH"}]}
    migration = migrated("a.json", json.dumps(MAPPING | access))
    (decision,) = [each for each in migration.decisions if each.about == "SourceAccessConfigurations IAM_AUTH"]
    assert ("sasl.mechanism", "AWS_MSK_IAM") in decision.proposals
    assert "secret" not in decision.question
