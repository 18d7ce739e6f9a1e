import pytest

from kafka_lambda_sink.config.topic_loops import topic_loops
from tests.support.config_text import FIVE, Load, Refuse

SALT = "fields.hash.salt=0123456789abcdef\n"
LOOP = "aws.lambda.response.topic=orders\n"


@pytest.mark.parametrize(
    ("text", "key", "error_id"),
    [
        ("topics.regex=o.*\n", "topics", "conflict"),
        ("topics=\n", "topics", "missing-key"),
        ("aws.lambda.response.topic=orders\n", "aws.lambda.response.topic", "topic-loop"),
        ("aws.lambda.error.topic=orders\n", "aws.lambda.error.topic", "topic-loop"),
        (
            "errors.tolerance=all\nerrors.deadletterqueue.topic.name=orders\n",
            "errors.deadletterqueue.topic.name",
            "topic-loop",
        ),
        ("topics=\ntopics.regex=ord.*\nreporter.result.topic.partitions=1\n", None, "topic-loop"),
        ("aws.access.key.id=AKIA\n", "aws.access.key.id", "missing-key"),
        ("aws.lambda.oversize.s3.prefix=p\n", "aws.lambda.oversize.s3.prefix", "missing-key"),
        (
            "aws.lambda.oversize.s3.bucket=large\naws.lambda.oversize.s3.endpoint.url=http://u:p@127.0.0.1:1\n",
            "aws.lambda.oversize.s3.endpoint.url",
            "invalid-value",
        ),
        (
            "aws.lambda.oversize.s3.bucket=large\naws.lambda.oversize.s3.endpoint.url=http://10.1.2.3:80\n",
            "aws.lambda.oversize.s3.endpoint.url",
            "weak-security",
        ),
        ("aws.lambda.oversize.s3.bucket=s3://large\n", "aws.lambda.oversize.s3.bucket", "invalid-value"),
        (
            "aws.lambda.oversize.s3.bucket=large\naws.lambda.oversize.s3.prefix=/p\n",
            "aws.lambda.oversize.s3.prefix",
            "invalid-value",
        ),
        (
            "errors.deadletterqueue.function.errors.enable=true\n",
            "errors.deadletterqueue.function.errors.enable",
            "missing-key",
        ),
        ("aws.secret.access.key=x\n", "aws.secret.access.key", "missing-key"),
        ("aws.session.token=x\n", "aws.session.token", "missing-key"),
        ("aws.role.external.id=x\n", "aws.role.external.id", "missing-key"),
        ("aws.role.session.name=xx\n", "aws.role.session.name", "missing-key"),
        ("aws.lambda.proxy.user=x\n", "aws.lambda.proxy.user", "missing-key"),
        ("aws.lambda.proxy.url=http://p:1\naws.lambda.proxy.password=x\n", "aws.lambda.proxy.password", "missing-key"),
        ("aws.lambda.proxy.url=http://u:p@p:1\n", "aws.lambda.proxy.url", "invalid-value"),
        ("aws.lambda.endpoint.url=http://10.1.2.3:80\n", "aws.lambda.endpoint.url", "weak-security"),
        ("aws.lambda.endpoint.url=localhost:9001\n", "aws.lambda.endpoint.url", "invalid-value"),
        ("aws.lambda.endpoint.url=https://u:p@host\n", "aws.lambda.endpoint.url", "invalid-value"),
        (
            "aws.lambda.function.name=arn:aws:lambda:us-east-1:123456789012:function:f\n",
            "aws.lambda.region",
            "conflict",
        ),
        ("aws.lambda.region=moon\n", "aws.lambda.region", "invalid-value"),
        ("aws.lambda.retry.backoff.ms=30000\n", "aws.lambda.retry.backoff.ms", "conflict"),
        (
            "aws.lambda.invocation.type=async\naws.lambda.batch.max.bytes=2000000\n",
            "aws.lambda.batch.max.bytes",
            "conflict",
        ),
        ("reporter.error.topic.partitions=0\n", "reporter.error.topic.partitions", "invalid-value"),
        ("rebalance.drain.timeout.ms=300000\n", "rebalance.drain.timeout.ms", "conflict"),
        ("consumer.override.max.poll.interval.ms=30000\n", "rebalance.drain.timeout.ms", "conflict"),
        ("behavior.on.error=stop\n", "behavior.on.error", "invalid-value"),
        ("aws.lambda.batch.size=0\n", "aws.lambda.batch.size", "invalid-value"),
        ("aws.lambda.batch.enabled=false\naws.lambda.batch.size=2\n", "aws.lambda.batch.size", "conflict"),
        ("aws.lambda.socket.timeout=10\n", "aws.lambda.socket.timeout", "invalid-value"),
        ("aws.role.arn=admin\n", "aws.role.arn", "invalid-value"),
        ("topics=\ntopics.regex=orders-[a\n", "topics.regex", "invalid-value"),
        ("aws.credentials.provider.class=com.example.Vault\n", "aws.credentials.provider.class", "unknown-class"),
        (
            "aws.credentials.provider.class=com.github.vdesabou.AwsAssumeRoleCredentialsProvider\n",
            "aws.credentials.provider.class",
            "unknown-class",
        ),
        ("value.converter.generalized.sum.type.support=true\n", None, "not-built-yet"),
        ("value.converter=avro\n", "value.converter", "missing-key"),
        (
            (
                "value.converter=avro\nvalue.converter.schema.registry.url=http://r:8081\n"
                "value.converter.basic.auth.credentials.source=USER_INFO\n"
            ),
            "value.converter.basic.auth.credentials.source",
            "missing-key",
        ),
        ("predicates=isTombstone\n", "predicates.isTombstone.type", "missing-key"),
        ("fields.hash=card\n", "fields.hash", "missing-key"),
        ("fields.hash=card\nfields.hash.salt=short\n", "fields.hash.salt", "invalid-value"),
        ("fields.include=a..b\n", "fields.include", "invalid-value"),
        ("fields.exclude=.a\n", "fields.exclude", "invalid-value"),
        ("fields.include=id\nfields.exclude=*\n", "fields.include", "invalid-value"),
        (f"fields.exclude=card\nfields.hash=card.number\n{SALT}", "fields.hash", "invalid-value"),
        (f"fields.include=id\nfields.hash=card\n{SALT}", "fields.hash", "invalid-value"),
        ("fields.exclude=key.card\n", "fields.exclude", "conflict"),
        ("fields.include=id\nvalue.converter=LongConverter\n", "fields.include", "conflict"),
        ('aws.lambda.filter.patterns=[{"value": 1}]\n', "aws.lambda.filter.patterns", "invalid-value"),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(refuse_text: Refuse, text: str, key: str | None, error_id: str):
    problems = [problem for problem in refuse_text(text) if problem.error_id == error_id]
    assert problems
    if key is not None:
        assert key in {problem.key for problem in problems}


def test_a_path_that_is_wrong_is_told_with_its_line_and_why(refuse_text: Refuse):
    text = f"fields.exclude=card\nfields.hash=card.number\n{SALT}"
    (problem,) = [problem for problem in refuse_text(text) if problem.key == "fields.hash"]
    assert problem.line == FIVE.count("\n") + 2
    assert problem.message == "`card.number` is within `card`, which fields.exclude drops"


@pytest.mark.parametrize(
    "text",
    [
        f"fields.include=id,card\nfields.exclude=card.cvc\nfields.hash=card.number\n{SALT}",
        "fields.exclude=key.card\nkey.converter=JsonConverter\nkey.converter.schemas.enable=false\n",
        "fields.exclude=key.card\ntransforms=k\ntransforms.k.type=HoistField$Key\ntransforms.k.field=card\n",
    ],
)
def test_paths_that_fit_are_taken(load_text: Load, text: str):
    load_text(text)


def test_a_regex_is_held_against_the_default_names_of_report_topics(refuse_text: Refuse):
    text = "topics=\ntopics.regex=orders.*\nreporter.result.topic.key.format=json\n"
    looping = [problem.key for problem in refuse_text(text) if problem.error_id == "topic-loop"]
    assert len(looping) == 2


@pytest.mark.parametrize(
    "servers", ["localhost:9092", "LOCALHOST:9092", "PLAINTEXT://localhost:9092", "other:9092,localhost:9092"]
)
def test_a_report_topic_loops_where_its_brokers_are_those_that_are_read_from(refuse_text: Refuse, servers: str):
    problems = refuse_text(f"{LOOP}aws.lambda.response.bootstrap.servers={servers}\n")
    assert [(problem.key, problem.error_id) for problem in problems] == [("aws.lambda.response.topic", "topic-loop")]


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        (f"{LOOP}aws.lambda.response.bootstrap.servers=other:9092\n", ["aws.lambda.response.topic"]),
        (
            "aws.lambda.error.topic=orders\naws.lambda.error.bootstrap.servers=localhost:9093\n",
            ["aws.lambda.error.topic"],
        ),
        (
            (
                "errors.tolerance=all\nerrors.deadletterqueue.topic.name=orders\n"
                "producer.override.bootstrap.servers=other:9092\n"
            ),
            ["errors.deadletterqueue.topic.name"],
        ),
        (
            "topics=\ntopics.regex=ord.*\nreporter.bootstrap.servers=other:9092\n",
            ["aws.lambda.response.topic", "aws.lambda.error.topic"],
        ),
        (
            (
                "errors.deadletterqueue.function.errors.enable=true\nerrors.deadletterqueue.topic.name=orders\n"
                "producer.override.bootstrap.servers=other:9092\n"
            ),
            ["errors.deadletterqueue.topic.name"],
        ),
        ("aws.lambda.response.topic=results\naws.lambda.response.bootstrap.servers=other:9092\n", []),
        # Nothing is written.
        ("aws.lambda.invocation.type=async\n" + LOOP, []),
        ("errors.deadletterqueue.topic.name=orders\n", []),
    ],
)
def test_a_report_topic_on_other_brokers_may_loop_and_one_that_is_not_written_does_not(
    load_text: Load, text: str, looping: list[str]
):
    loaded = load_text(text)
    assert [(loop.key, loop.is_certain) for loop in topic_loops(loaded.sink, loaded.clients)] == [
        (key, False) for key in looping
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("aws.lambda.invocation.type=async\naws.lambda.response.topic=r\n", "aws.lambda.response.topic"),
        ("aws.lambda.invocation.type=async\naws.lambda.log.type=tail\n", "aws.lambda.log.type"),
        ("errors.deadletterqueue.topic.name=d\n", "errors.deadletterqueue.topic.name"),
        (
            (
                "errors.deadletterqueue.topic.name=d\nerrors.deadletterqueue.function.errors.enable=true\n"
                "behavior.on.error=ignore\n"
            ),
            "errors.deadletterqueue.function.errors.enable",
        ),
        ("aws.profile=p\naws.access.key.id=a\naws.secret.access.key=b\n", "aws.profile"),
        ("aws.lambda.batch.size=1\naws.lambda.batch.size=2\n", "aws.lambda.batch.size"),
    ],
)
def test_what_has_no_effect_is_a_warning(load_text: Load, text: str, key: str):
    assert [warning.key for warning in load_text(text).warnings] == [key]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9001", "http://localhost:9001", "http://[::1]:9001", "https://vpce-1.example.com"]
)
def test_plain_http_may_go_to_this_machine(load_text: Load, url: str):
    assert load_text(f"aws.lambda.endpoint.url={url}\n").sink.aws_lambda_endpoint_url == url


def test_plain_http_elsewhere_may_be_allowed(load_text: Load):
    text = "aws.lambda.endpoint.url=http://10.1.2.3\naws.lambda.endpoint.allow.http=true\n"
    assert load_text(text).sink.aws_lambda_endpoint_allow_http


@pytest.mark.parametrize(
    "provider",
    [
        "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
        "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    ],
)
def test_the_default_chains_of_both_sdks_pass(load_text: Load, provider: str):
    loaded = load_text(f"aws.credentials.provider.class={provider}\n")
    assert [ignored.key for ignored in loaded.ignored] == ["aws.credentials.provider.class"]


@pytest.mark.parametrize("prefix", ["aws.credentials.provider.sts.role.", "aws.credentials.provider.role."])
def test_keys_of_assume_role_classes_mean_aws_role(load_text: Load, prefix: str):
    text = (
        "aws.credentials.provider.class=com.nordstrom.kafka.connect.auth.AWSAssumeRoleCredentialsProvider\n"
        f"{prefix}arn=arn:aws:iam::123456789012:role/invoke\n"
    )
    assert load_text(text).sink.aws_role_arn == "arn:aws:iam::123456789012:role/invoke"
