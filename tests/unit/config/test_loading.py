from pathlib import Path

import pytest

from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.core.errors import ConfigError
from tests.support.config_text import Load, Refuse

#: The five keys of `load_text` are the lines 1 to 5.
FIRST = 6


def test_a_first_sink_needs_five_keys(load_text: Load):
    loaded = load_text()
    assert loaded.sink.aws_lambda_function_name == "handle-orders"
    assert loaded.clients.group_id == "connect-orders"
    assert dict(loaded.clients.coordinator) == {"bootstrap.servers": "localhost:9092"}
    assert dict(loaded.clients.fetcher) == {"bootstrap.servers": "localhost:9092"}
    assert [key.key for key in loaded.used] == [
        "name",
        "bootstrap.servers",
        "topics",
        "aws.lambda.function.name",
        "aws.lambda.region",
    ]
    assert loaded.ignored == []
    assert loaded.warnings == []


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_worker_file(load_text: Load):
    worker = "aws.lambda.batch.size=1\nerrors.tolerance=all\n"
    environ = {"KLS_AWS_LAMBDA_BATCH_SIZE": "3"}
    overrides = {"aws.lambda.batch.size": "4"}
    file = "aws.lambda.batch.size=2\n"
    assert load_text(worker=worker).sink.aws_lambda_batch_size == 1
    assert load_text(file, worker=worker).sink.aws_lambda_batch_size == 2
    assert load_text(file, worker=worker, environ=environ).sink.aws_lambda_batch_size == 3
    loaded = load_text(file, worker=worker, environ=environ, overrides=overrides)
    assert loaded.sink.aws_lambda_batch_size == 4
    assert loaded.sink.errors_tolerance == "all"


def test_client_properties_have_the_same_precedence(load_text: Load):
    file = "consumer.override.fetch.min.bytes=2\n"
    worker = "consumer.fetch.min.bytes=1\nconsumer.fetch.max.wait.ms=9\n"
    fetcher = load_text(file, worker=worker, environ={"KLS_CONSUMER_OVERRIDE_FETCH_MIN_BYTES": "3"}).clients.fetcher
    assert (fetcher["fetch.min.bytes"], fetcher["fetch.wait.max.ms"]) == ("3", "9")
    assert load_text(file, worker=worker).clients.fetcher["fetch.min.bytes"] == "2"


def test_every_problem_is_told_at_once_with_its_line(refuse_text: Refuse):
    text = (
        "name=\n"
        "aws.lambda.bach.size=3\n"
        "aws.lambda.batch.size=0\n"
        "topics=a,b/c\n"
        "value.converter=com.example.Odd\n"
        "transforms=mask\n"
        "aws.access.key.id=AKIA\n"
        "producer.override.acks=1\n"
        "consumer.override.plugin.library.paths=/tmp/x.so\n"
    )
    problems = refuse_text(text, bare=True)
    assert [(p.line, p.key, p.error_id) for p in problems] == [
        (1, "name", "invalid-value"),
        (2, "aws.lambda.bach.size", "unknown-key"),
        (3, "aws.lambda.batch.size", "invalid-value"),
        (4, "topics", "invalid-value"),
        (5, "value.converter", "invalid-value"),
        (7, "aws.access.key.id", "missing-key"),
        (8, "producer.override.acks", "refused-key"),
        (9, "consumer.override.plugin.library.paths", "refused-key"),
        (None, "bootstrap.servers", "missing-key"),
        (None, "aws.lambda.function.name", "missing-key"),
        (None, "transforms.mask.type", "missing-key"),
    ]
    assert all(p.source and p.source.endswith("sink.properties") for p in problems if p.line)


def test_every_problem_of_filter_patterns_is_one_of_the_property(refuse_text: Refuse):
    problems = refuse_text(
        'aws.lambda.filter.patterns=[{"valu": ["x"],\\\n "key": [{"prefx": "x"}]},\\\n 5]\ntasks.max=0\n'
    )
    assert [(p.line, p.key, p.message, p.hint) for p in problems[:3]] == [
        (6, "aws.lambda.filter.patterns", "pattern 1: valu: no part of a record", "Did you mean value?"),
        (
            6,
            "aws.lambda.filter.patterns",
            'pattern 1: key[0]: unknown operator "prefx"',
            "Known are prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, cidr",
        ),
        (
            6,
            "aws.lambda.filter.patterns",
            "pattern 2: a pattern is an object",
            'Write a list of patterns, or AWS\'s form: [{"Pattern": "{\\"value\\": …}"}]',
        ),
    ]
    assert [(p.line, p.key) for p in problems[3:]] == [(9, "tasks.max")]


def test_an_unknown_key_comes_with_the_nearest_known_one(refuse_text: Refuse):
    (problem,) = refuse_text("aws.lambda.bach.size=3\n")
    assert (problem.line, problem.hint) == (FIRST, "Did you mean aws.lambda.batch.size?")
    (problem,) = refuse_text("max.poll.interval.ms=3\n")
    assert problem.hint == "Did you mean consumer.override.max.poll.interval.ms?"
    (problem,) = refuse_text("linger.ms=3\n")
    assert problem.hint == "Did you mean producer.override.linger.ms?"


def test_an_unknown_variable_is_an_error_too(refuse_text: Refuse):
    (problem,) = refuse_text(environ={"KLS_AWS_LAMBDA_BACH_SIZE": "3"})
    assert (problem.key, problem.source, problem.error_id) == ("aws.lambda.bach.size", "environment", "unknown-key")


def test_variables_of_kubernetes_service_links_are_left_alone(load_text: Load):
    loaded = load_text(environ={"KLS_SERVICE_HOST": "10.0.0.1", "KLS_PORT_9092_TCP": "tcp://10.0.0.1:9092"})
    assert {key.reason for key in loaded.ignored} == {"set by Kubernetes for a service"}


def test_a_file_that_is_not_there_is_one_clear_problem(tmp_path: Path):
    with pytest.raises(ConfigError, match="No such file") as raised:
        load(tmp_path / "none.properties", environ={})
    assert [problem.error_id for problem in raised.value.problems] == ["unreadable-file"]


def test_unknown_keys_in_another_projects_file_are_warnings_as_connect_ignores_them(load_text: Load):
    text = "connector.class=io.confluent.connect.aws.lambda.AwsLambdaSinkConnector\n_comment=x\nbehavior.on.eror=log\n"
    loaded = load_text(text)
    unknown = [warning for warning in loaded.warnings if warning.error_id == "unknown-key"]
    assert [(w.key, w.line, w.hint) for w in unknown] == [
        ("_comment", FIRST + 1, None),
        ("behavior.on.eror", FIRST + 2, "Did you mean behavior.on.error?"),
    ]


@pytest.mark.parametrize(
    "name",
    ["io.confluent.connect.s3.S3SinkConnector", "com.tm.kafka.connect.aws.lambda.AwsLambdaSinkConnector", "LambdaSink"],
)
def test_a_class_with_another_name_is_not_run(refuse_text: Refuse, name: str):
    (problem,) = refuse_text(f"connector.class={name}\n")
    assert problem.key == "connector.class"


def test_converters_of_another_projects_file_stood_in_its_worker_file(load_text: Load):
    text = "connector.class=io.confluent.connect.aws.lambda.AwsLambdaSinkConnector\n"
    converters = [w.key for w in load_text(text).warnings if w.error_id == "default-converter"]
    assert converters == ["key.converter", "value.converter"]
    worker = "key.converter=org.apache.kafka.connect.storage.StringConverter\n"
    converters = [w.key for w in load_text(text, worker=worker).warnings if w.error_id == "default-converter"]
    assert converters == ["value.converter"]


JSON = "value.converter=org.apache.kafka.connect.json.JsonConverter\n"


@pytest.mark.parametrize(
    ("file", "worker", "expected"),
    [
        ("", "", False),  # our default converter is JSON without schemas
        (JSON, "", True),  # Connect's default, where JSON is asked for
        (JSON + "value.converter.schemas.enable=false\n", "", False),
        ("", JSON + "value.converter.schemas.enable=false\n", False),
        (JSON, JSON + "value.converter.schemas.enable=false\n", True),  # a connector's converter is its own
        ("value.converter.schemas.enable=true\n", JSON + "value.converter.schemas.enable=false\n", True),
    ],
)
def test_schemas_enable_defaults_as_in_connect(load_text: Load, file: str, worker: str, expected: bool):  # noqa: FBT001 - parameter
    assert load_text(file, worker=worker).sink.value_converter_schemas_enable is expected


def test_a_bare_group_id_is_ignored_with_a_warning(load_text: Load):
    loaded = load_text("group.id=mine\n")
    assert loaded.clients.group_id == "connect-orders"
    assert [key.key for key in loaded.ignored] == ["group.id"]
    assert [warning.key for warning in loaded.warnings] == ["group.id"]


def test_the_group_can_be_overridden(load_text: Load):
    assert load_text("consumer.override.group.id=mine\n").clients.group_id == "mine"


def test_auto_offset_reset_is_also_a_consumer_override(load_text: Load):
    assert load_text("consumer.override.auto.offset.reset=none\n").sink.auto_offset_reset == "error"
    assert load_text(worker="consumer.auto.offset.reset=latest\n").sink.auto_offset_reset == "latest"


def test_a_name_and_its_arn_are_the_same_function(load_text: Load, refuse_text: Refuse):
    arn = "aws.lambda.function.arn=arn:aws:lambda:eu-west-1:123456789012:function:"
    assert load_text(arn + "handle-orders\n").sink.functions == ("handle-orders",)
    (problem,) = refuse_text(arn + "other\n")
    assert problem.error_id == "conflict"


def test_the_endpoint_variable_of_aws_is_honoured_and_held_to_the_same_rule(load_text: Load, refuse_text: Refuse):
    here = {"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9001"}
    assert load_text(environ=here).sink.aws_lambda_endpoint_url == "http://127.0.0.1:9001"
    assert (
        load_text("aws.lambda.endpoint.url=https://vpce\n", environ=here).sink.aws_lambda_endpoint_url == "https://vpce"
    )
    (problem,) = refuse_text(environ={"AWS_ENDPOINT_URL_LAMBDA": "http://10.0.0.1"})
    assert problem.error_id == "weak-security"


def test_what_a_higher_layer_replaces_is_still_checked_for_unknown_keys_only(load_text: Load):
    assert (
        load_text("aws.lambda.batch.size=none\n", overrides={"aws.lambda.batch.size": "5"}).sink.aws_lambda_batch_size
        == 5
    )


def test_secrets_are_in_no_repr(load_text: Load):
    text = (
        "aws.access.key.id=AKIA\naws.secret.access.key=canary-1\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n"
        'sasl.jaas.config=x.PlainLoginModule required username="u" password="canary-2";\n'
    )
    loaded = load_text(text)
    assert loaded.clients.fetcher["sasl.password"] == "canary-2"
    assert "canary" not in repr(loaded) + str(loaded.clients)


def test_a_wrong_value_of_a_secret_is_in_no_message(refuse_text: Refuse):
    text = (
        "aws.secret.access.key=canary-1\nsasl.jaas.config=canary-2 required x\naws.lambda.proxy.url=ftp://u:canary-3@h\n"
        "aws.lambda.batch.size=canary-4\n"
    )
    assert "canary" not in "".join(str(problem) for problem in refuse_text(text))
