"""Intrinsic functions, variables and expressions: resolved where the file alone can, else asked for by name."""

import json

import pytest

from kafka_lambda_sink.migration import terraform
from kafka_lambda_sink.migration.aws_templates import Template
from kafka_lambda_sink.migration.dialects import candidates
from kafka_lambda_sink.migration.migration import MigrationError
from kafka_lambda_sink.migration.parsers import parse_hcl, parse_yaml
from kafka_lambda_sink.migration.serverless import event_sources

TEMPLATE = parse_yaml("""
Parameters:
  Stage: {Type: String, Default: dev}
  Arn: {Type: String}
  Blank: {Type: String, Default: ""}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /kafka/brokers}
Mappings:
  Sizes: {dev: {Batch: 50}}
Resources:
  Named:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: !Sub "orders-${Stage}"}
  Unnamed: {Type: AWS::Serverless::Function}
  Queue: {Type: AWS::SQS::Queue}
  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Named, Name: live}}
""")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Stage", "dev"),
        ("!Ref Arn", "${Arn}"),
        ("!Ref Blank", "${Blank}"),
        ("!Ref Named", "orders-dev"),
        ("!Ref Unnamed", "${Unnamed.Arn}"),
        ("!Ref AWS::Region", "${AWS.Region}"),
        ("!GetAtt Named.Arn", "orders-dev"),
        ("!GetAtt Queue.Arn", "${Queue.Arn}"),
        ("!GetAtt [Queue, Arn]", "${Queue.Arn}"),
        ("{'Fn::GetAtt': [Named, Version]}", "${Named.Version}"),
        ("!Sub 'a-${Stage}-${Arn}-${Named.Arn}'", "a-dev-${Arn}-orders-dev"),
        ("!Sub ['${X}-${Stage}', {X: !Ref Stage}]", "dev-dev"),
        ("!Sub 'literal ${!X}'", "literal ${!X}"),
        ("!Join ['-', [a, !Ref Stage]]", "a-dev"),
        ("!Split [',', 'a,b']", ["a", "b"]),
        ("!ImportValue shared-cluster", "${Fn.ImportValue.shared-cluster}"),
        ("!If [IsProd, a, b]", "${Fn.If.IsProd.a.b}"),
        ("!If [IsProd, {a: 5}, !Ref AWS::NoValue]", "${Fn.If.IsProd._a_5}"),
        ("{a: !Ref AWS::NoValue, b: [!Ref AWS::NoValue, 1]}", {"a": None, "b": [1]}),
        ("!FindInMap [Sizes, !Ref Stage, Batch]", 50),
        ("!FindInMap [Sizes, !Ref AWS::Region, Batch]", "${Fn.FindInMap.Sizes._AWS.Region_.Batch}"),
        ("!Ref Stored", "${Stored}"),
        ("'{{resolve:ssm:/brokers}}:9092'", "${resolve.ssm./brokers}:9092"),
        ("!Ref Live", "orders-dev:live"),
        ("{a: [!Ref Stage, 5, true]}", {"a": ["dev", 5, True]}),
    ],
)
def test_functions_of_cloudformation(text, value):
    assert Template(TEMPLATE).resolve(parse_yaml(f"x: {text}")["x"]) == value


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("orders", "orders"),
        ("${self:custom.topic}", "orders-dev"),
        ("${self:custom.deep.name}-x", "deep-x"),
        ("a-${self:provider.stage}-${sls:stage}", "a-dev-dev"),
        ("${opt:topic, 'fallback'}", "fallback"),
        ("${opt:topic, self:custom.topic}", "orders-dev"),
        ("${opt:topic, env:TOPIC, self:custom.none, 'a, b'}", "a, b"),
        ("${opt:topic, ${self:custom.deep.name}}", "deep"),
        ("${opt:topic, ssm:/topic}", "${opt.topic}"),
        ("${opt:topic, ${env:TOPIC}}", "${env.TOPIC}"),
        ("${param:topic}", "${param.topic}"),
        ("${self:custom.none}", "${self.custom.none}"),
        ("${env:TOPIC}-${self:custom.loop}", "${env.TOPIC}-"),
        ("{Ref: Topic}", "${Topic}"),
    ],
)
def test_variables_of_serverless(text, topic):
    document = parse_yaml(f"""
service: shop
provider: {{stage: "${{opt:stage, 'dev'}}"}}
custom: {{topic: "orders-${{self:provider.stage}}", deep: {{name: deep}}, loop: ""}}
functions:
  f:
    events: [{{msk: {{arn: arn, topic: {text if text.startswith("{") else json.dumps(text)}}}}}]
""")
    (source,) = event_sources(document)
    assert source.text("Topics") == topic


def test_what_stands_in_lists_of_parts_is_found():
    document = parse_yaml("""
service: shop
resources:
  - ${file(other.yml)}
  - {Parameters: {Topic: {Type: String, Default: orders}}}
functions:
  - a: {name: first, events: [{kafka: {bootstrapServers: [b:1], topic: x}}]}
  - b: {name: second, events: [{kafka: {bootstrapServers: [b:1], topic: {Ref: Topic}}}]}
""")
    assert [each.text("Topics") for each in event_sources(document)] == ["x", "orders"]
    document["functions"].append("${file(functions.yml)}")
    with pytest.raises(MigrationError, match=r"another file: \$\{file\(functions.yml\)\}"):
        list(event_sources(document))


def test_variables_that_refer_to_themselves_end():
    document = parse_yaml("""
service: shop
custom: {a: "${opt:x}${opt:y}"}
functions: {f: {events: [{kafka: {bootstrapServers: [b:1], topic: "${self:custom.a}"}}]}}
""")
    (source,) = event_sources(document)
    assert source.text("Topics") == "${opt.x}${opt.y}"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('"orders"', "orders"),
        ('"say \\"hi\\""', 'say "hi"'),
        ("var.stage", "prod"),
        ("var.count", 5),
        ("var.other", "${var.other}"),
        ('"a-${var.stage}-${var.other}"', "a-prod-${var.other}"),
        ("local.topic", "orders-prod"),
        ("aws_lambda_function.f.arn", "orders"),
        ("aws_lambda_function.f[0].function_name", "orders"),
        ("aws_lambda_function.g.arn", "${aws_lambda_function.g.arn}"),
        ("aws_lambda_function.f.qualified_arn", "${aws_lambda_function.f.qualified_arn}"),
        ("aws_lambda_alias.f.arn", "orders:live"),
        ("aws_lambda_alias.g.arn", "${aws_lambda_alias.g.arn}"),
        ("aws_lambda_alias.f.name", "${aws_lambda_alias.f.name}"),
        ('<<EOF\n{"a": "${var.stage}"}\nEOF\n', '{"a": "prod"}'),
        ("<<-EOF\n    a\n      b\n    EOF\n", "a\n  b"),
        ('jsonencode({ value = { a = [1, "x"] } })', '{"value": {"a": [1, "x"]}}'),
        ('join("-", ["a", "b"])', "${join_-_a_b}"),
        ("500", 500),
        ("true", True),
    ],
)
def test_expressions_of_terraform(expression, value):
    document = parse_hcl(f"""
variable "stage" {{ default = "prod" }}
variable "count" {{ default = 5 }}
variable "other" {{ type = string }}
locals {{ topic = "orders-${{var.stage}}" }}
resource "aws_lambda_function" "f" {{ function_name = "orders" }}
resource "aws_lambda_alias" "f" {{
  name          = "live"
  function_name = aws_lambda_function.f.function_name
}}
resource "aws_lambda_event_source_mapping" "m" {{
  topics     = ["x"]
  batch_size = {expression}
}}
""")
    (source,) = terraform.sources_of_hcl(document, parse_hcl)
    assert source.settings["BatchSize"].value == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "not JSON"),
        ("a.json", "[]", "not a JSON object"),
        ("a.json", "{}", "nothing in it that can be migrated"),
        ("a.json", '{"EventSourceMappings": []}', "no Kafka trigger"),
        ("a.yaml", "a: [", "not YAML"),
        ("a.yaml", "Resources: {}", "no Kafka trigger"),
        ("a.yaml", "- 1", "nothing in it that can be migrated"),
        ("a.tf", "resource {", "not HCL"),
        ("a.tf", 'resource "aws_lambda_event_source_mapping" "q" { function_name = "f" }', "no Kafka trigger"),
        ("a.properties", "topics=x", "connector.class is missing"),
        ("a.json", '{"connector.class": "io.confluent.connect.s3.S3SinkConnector"}', "S3SinkConnector"),
    ],
)
def test_what_cannot_be_migrated_is_told(name, text, words):
    with pytest.raises(MigrationError, match=words):
        candidates(name, text)


def test_two_triggers_of_one_function_are_two_connectors():
    mapping = {"FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f", "Topics": ["a"]}
    document = {"EventSourceMappings": [mapping | {"UUID": "1"}, mapping | {"UUID": "2"}, mapping | {"UUID": "2"}]}
    assert [each.title for each in candidates("a.json", json.dumps(document))] == ["f", "2", "2-2"]


def test_an_answer_counts_where_the_value_is_looked_into():
    template = """
Resources:
  Trigger:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !ImportValue orders
      Topics: [orders]
      MaximumBatchingWindowInSeconds: !Ref Window
      DestinationConfig: {OnFailure: {Destination: !Ref Failed}}
"""
    (found,) = candidates("a.yaml", template)
    asked = found.migrate({}, None)
    assert "aws.lambda.batch.window.ms" not in asked.settings
    assert ("aws.lambda.batch.window.ms", "${Window}") in [pair for each in asked.decisions for pair in each.proposals]
    answered = found.migrate({"Window": "5", "Failed": "kafka://failed", "Fn.ImportValue.orders": "f"}, None)
    assert answered.settings["aws.lambda.batch.window.ms"] == "5000"
    assert answered.settings["aws.lambda.error.topic"] == "failed"
    assert answered.settings["aws.lambda.function.name"] == "f"


def test_what_a_plan_does_not_know_yet_is_asked_for():
    values = {"topics": ["orders"], "function_name": "f", "self_managed_event_source": [{"endpoints": {}}]}
    document = {
        "planned_values": {"root_module": {"resources": [
            {"address": "a.b", "type": "aws_lambda_event_source_mapping", "name": "b", "values": values},
        ]}},
        "resource_changes": [{"address": "a.b", "change": {"after_unknown": {"batch_size": True, "uuid": True}}}],
    }  # fmt: skip
    (found,) = candidates("plan.json", json.dumps(document))
    assert found.migrate({}, None).settings["aws.lambda.batch.size"] == "${a.b.batch_size}"


def test_a_timestamp_of_the_api_is_told_as_offsets_takes_it():
    start = {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1769846400.0}
    mapping = {"FunctionArn": "f", "Topics": ["t"], **start}
    (found,) = candidates("a.json", json.dumps(mapping))
    questions = " ".join(decision.question for decision in found.migrate({}, None).decisions)
    assert "--to datetime:2026-01-31T08:00:00+00:00 --execute" in questions


def test_locals_that_refer_to_each_other_end():
    text = """
locals {
  a = local.b
  b = local.a
}
resource "aws_lambda_event_source_mapping" "m" { topics = [local.a] }
"""
    with pytest.raises(MigrationError, match="another structure"):
        candidates("a.tf", text)


@pytest.mark.parametrize("kind", ["com.example.AwsLambdaSinkConnector", "com.tm.kafka.connect.aws.lambda.LambdaSink"])
def test_a_connector_of_another_project_is_none_of_these(kind):
    with pytest.raises(MigrationError, match=kind):
        candidates("a.properties", f"connector.class={kind}\ntopics=x\n")
