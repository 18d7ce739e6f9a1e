import json
from typing import Any

import pytest
from pydantic import ValidationError

from kafka_lambda_sink.config.function_name import parse_function_name
from kafka_lambda_sink.config.model import SinkConfig

FIVE: dict[str, Any] = {
    "name": "orders",
    "bootstrap_servers": "localhost:9092",
    "topics": "orders",
    "aws_lambda_function_name": "handle-orders",
    "aws_lambda_region": "eu-west-1",
}


def test_five_keys_make_a_sink_with_the_documented_defaults():
    config = SinkConfig(**FIVE)
    assert config.topics == ("orders",)
    assert config.aws_lambda_batch_size == 20
    assert config.batch_max_bytes == 6_000_000
    assert (config.key_converter, config.value_converter) == ("string", "json")
    assert config.value_converter_schemas_enable is False
    assert config.auto_offset_reset == "earliest"
    assert config.behavior_on_error == "fail"
    assert config.report_topics == []


def test_async_batches_stay_below_the_smaller_limit():
    assert SinkConfig(**FIVE, aws_lambda_invocation_type="ASYNC").batch_max_bytes == 1_000_000


def test_the_first_layer_that_has_a_value_wins():
    config = SinkConfig.from_layers([{"aws_lambda_batch_size": "7"}, {**FIVE, "aws_lambda_batch_size": "9"}])
    assert config.aws_lambda_batch_size == 7


def test_the_environment_is_no_hidden_source(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_LAMBDA_BATCH_SIZE", "3")
    assert SinkConfig(**FIVE).aws_lambda_batch_size == 20


def test_secrets_do_not_show():
    config = SinkConfig(**FIVE, aws_secret_access_key="canary-1", aws_lambda_proxy_password="canary-2")
    assert "canary" not in repr(config) + str(config) + config.model_dump_json()


def test_no_secret_shows_that_there_is():
    secret = {name for name, field in SinkConfig.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert secret >= {"fields_hash_salt", "key_converter_bearer_auth_token", "value_converter_basic_auth_user_info"}
    config = SinkConfig(**FIVE, **{name: json.dumps({"canary": name}) for name in secret})  # type: ignore[arg-type]
    assert "canary" not in repr(config) + str(config) + config.model_dump_json()


def test_a_configuration_does_not_change():
    config = SinkConfig(**FIVE)
    with pytest.raises(ValidationError):
        config.tasks_max = 2  # type: ignore[misc]


def test_javas_none_is_error():
    assert SinkConfig(**FIVE, auto_offset_reset="none").auto_offset_reset == "error"


@pytest.mark.parametrize(
    ("java", "ours"),
    [
        ("org.apache.kafka.connect.storage.StringConverter", "string"),
        ("org.apache.kafka.connect.json.JsonConverter", "json"),
        ("org.apache.kafka.connect.converters.ByteArrayConverter", "bytes"),
        ("BYTES", "bytes"),
        ("io.confluent.connect.avro.AvroConverter", "avro"),
        ("io.confluent.connect.protobuf.ProtobufConverter", "protobuf"),
        ("io.confluent.connect.json.JsonSchemaConverter", "jsonschema"),
        ("JsonSchema", "jsonschema"),
    ],
)
def test_converters_go_by_their_java_names(java: str, ours: str):
    assert SinkConfig(**FIVE, key_converter=java).key_converter == ours


OF_KAFKA = ("boolean", "short", "integer", "long", "float", "double")
OF_A_REGISTRY = {
    "io.confluent.connect.avro.AvroConverter": "avro",
    "io.confluent.connect.protobuf.ProtobufConverter": "protobuf",
    "io.confluent.connect.json.JsonSchemaConverter": "jsonschema",
}
OF_CONNECT = {
    "org.apache.kafka.connect.storage.StringConverter": "string",
    "org.apache.kafka.connect.json.JsonConverter": "json",
    "org.apache.kafka.connect.converters.ByteArrayConverter": "bytes",
    **{f"org.apache.kafka.connect.converters.{name.title()}Converter": name for name in OF_KAFKA},
}
SIMPLE = {"org.apache.kafka.connect.storage.SimpleHeaderConverter": "simple"}


@pytest.mark.parametrize(
    ("part", "classes"),
    [("key", OF_CONNECT | OF_A_REGISTRY), ("value", OF_CONNECT | OF_A_REGISTRY), ("header", OF_CONNECT | SIMPLE)],
)
def test_every_converter_has_its_java_name_with_and_without_the_package_and_a_short_one(
    part: str, classes: dict[str, str]
):
    for java, ours in classes.items():
        for name in (java, java.rpartition(".")[2], ours):
            config = SinkConfig(**{**FIVE, f"{part}_converter": name})
            assert getattr(config, f"{part}_converter") == ours
            others = {"key": "string", "value": "json", "header": "simple"}
            del others[part]
            assert {other: getattr(config, f"{other}_converter") for other in others} == others


@pytest.mark.parametrize("name", [*OF_A_REGISTRY, *OF_A_REGISTRY.values()])
def test_headers_have_no_registry(name: str):
    with pytest.raises(ValidationError, match="unknown converter"):
        SinkConfig(**FIVE, header_converter=name)


def test_a_converter_that_is_not_there_is_refused_by_name():
    with pytest.raises(ValidationError, match=r"unknown converter `com\.example\.Odd`"):
        SinkConfig(**FIVE, value_converter="com.example.Odd")


def test_selects_is_a_full_match():
    by_list = SinkConfig(**FIVE)
    assert by_list.selects("orders")
    assert not by_list.selects("orders-eu")
    by_regex = SinkConfig(**{**FIVE, "topics": (), "topics_regex": r"orders(-[a-z]+)?"})
    assert by_regex.selects("orders-eu")
    assert not by_regex.selects("orders-eu.errors")


@pytest.mark.parametrize(
    ("name", "qualifier", "region"),
    [
        ("handler", None, None),
        ("handler:live", "live", None),
        ("handler:$LATEST", "$LATEST", None),
        ("123456789012:function:handler:7", "7", None),
        ("arn:aws:lambda:us-gov-west-1:123456789012:function:handler", None, "us-gov-west-1"),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:handler:7", "7", "cn-north-1"),
    ],
)
def test_functions_are_named_as_the_api_names_them(name: str, qualifier: str | None, region: str | None):
    config = SinkConfig(**{**FIVE, "aws_lambda_function_name": name, "aws_lambda_region": None})
    parsed = parse_function_name(name)
    assert (parsed.name, parsed.qualifier, config.region_of(name)) == ("handler", qualifier, region)
    assert config.functions == (name,)


@pytest.mark.parametrize("name", ["", "a b", "f" * 65, "arn:aws:sns:eu-west-1:123456789012:topic", "f:a:b", "../x"])
def test_what_is_no_function_is_refused(name: str):
    with pytest.raises(ValidationError, match="not a function"):
        SinkConfig(**{**FIVE, "aws_lambda_function_name": name})
