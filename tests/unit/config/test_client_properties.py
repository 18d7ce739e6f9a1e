import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from kafka_lambda_sink.config.clients.jaas import MSK_IAM
from kafka_lambda_sink.config.clients.table import PASSED, Client
from kafka_lambda_sink.config.clients.translation import known_client_keys
from kafka_lambda_sink.config.clients.withheld import IGNORED, REFUSED
from tests.support.config_text import Load, Refuse

SCRAM = (
    "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
    "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required "
    'username="app" password="a\\\\"b c;";\n'
)

#: A value that librdkafka takes, for each property that does not take a `1`.
VALUES = {
    "security.protocol": "plaintext",
    "sasl.mechanism": "PLAIN",
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.token.endpoint.url": "http://localhost",
    "ssl.endpoint.identification.algorithm": "https",
    "partition.assignment.strategy": "range",
    "group.protocol": "classic",
    "isolation.level": "read_committed",
    "compression.type": "zstd",
    "broker.address.family": "v4",
    "client.dns.lookup": "use_all_dns_ips",
    "metadata.recovery.strategy": "none",
    "enable.ssl.certificate.verification": "true",
    "check.crcs": "true",
    "socket.keepalive.enable": "true",
    "max.poll.interval.ms": "60000",
    "session.timeout.ms": "6000",
    "fetch.max.bytes": "8000000",
    "message.max.bytes": "8000000",
    "socket.timeout.ms": "60000",
    "socket.connection.setup.timeout.ms": "1000",
}


def accepts(client: Client, properties: dict[str, str]) -> bool:
    """Whether librdkafka knows the properties; their values may be wrong."""
    try:
        if client & Client.CONSUMER:
            Consumer({"group.id": "g", **properties}).close()
        elif client is Client.PRODUCER:
            Producer(properties)
        else:
            AdminClient({**properties})
    except KafkaException as error:
        return "No such configuration property" not in str(error)
    return True


def test_the_probe_sees_an_unknown_property():
    assert not accepts(Client.PRODUCER, {"no.such.property": "1"})


@pytest.mark.parametrize("client", [Client.COORDINATOR, Client.FETCHER, Client.PRODUCER, Client.ADMIN])
def test_librdkafka_knows_every_property_that_is_passed(client: Client):
    targets = {passed.target for passed in PASSED.values() if passed.clients & client}
    assert [target for target in sorted(targets) if not accepts(client, {target: VALUES.get(target, "1")})] == []


def test_a_property_is_passed_ignored_or_refused_and_never_two_of_them():
    assert not PASSED.keys() & IGNORED.keys()
    assert not PASSED.keys() & REFUSED.keys()
    assert not IGNORED.keys() & REFUSED.keys()


@pytest.mark.parametrize(
    "name",
    [
        "plugin.library.paths",
        "ssl.engine.location",
        "sasl.kerberos.kinit.cmd",
        "ssl.providers",
        "debug",
        "transactional.id",
    ],
)
@pytest.mark.parametrize("prefix", ["consumer.override.", "producer.override.", "reporter.producer."])
def test_keys_that_load_code_or_break_a_guarantee_are_refused_by_name(refuse_text: Refuse, prefix: str, name: str):
    (problem,) = refuse_text(f"{prefix}{name}=/tmp/x\n")
    assert (problem.key, problem.error_id) == (prefix + name, "refused-key")


@pytest.mark.parametrize(
    ("key", "harmless", "harmful"),
    [
        ("producer.override.acks", "all", "1"),
        ("producer.override.acks", "-1", "0"),
        ("producer.override.enable.idempotence", "true", "false"),
        ("consumer.override.enable.auto.commit", "false", "true"),
        (
            "consumer.override.interceptor.classes",
            "io.confluent.monitoring.clients.interceptor.MonitoringConsumerInterceptor",
            "com.example.Decrypt",
        ),
        (
            "producer.override.partitioner.class",
            "org.apache.kafka.clients.producer.internals.DefaultPartitioner",
            "com.example.Mine",
        ),
    ],
)
def test_what_the_sink_does_anyway_may_be_asked_for(
    load_text: Load, refuse_text: Refuse, key: str, harmless: str, harmful: str
):
    assert [ignored.key for ignored in load_text(f"{key}={harmless}\n").ignored] == [key]
    (problem,) = refuse_text(f"{key}={harmful}\n")
    assert problem.error_id == "refused-key"


def test_no_known_key_reaches_a_client_under_its_prefix_alone(refuse_text: Refuse):
    (problem,) = refuse_text("consumer.override.opaque=1\n")
    assert problem.error_id == "unknown-key"


def test_javas_names_become_librdkafkas(load_text: Load):
    loaded = load_text(
        "consumer.override.fetch.max.wait.ms=9\n"
        "consumer.override.max.poll.interval.ms=600000\n"
        "consumer.override.request.timeout.ms=7000\n"
        "consumer.override.partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor,"
        "org.apache.kafka.clients.consumer.CooperativeStickyAssignor\n"
        "consumer.override.receive.buffer.bytes=-1\n"
        "producer.override.delivery.timeout.ms=5000\n"
        "producer.override.buffer.memory=33554432\n"
        "producer.override.max.request.size=2000000\n"
        "producer.override.request.timeout.ms=6000\n"
        "client.id=me\n"
        "client.rack=eu-west-1a\n"
    )
    clients = loaded.clients
    brokers = {"bootstrap.servers": "localhost:9092", "client.id": "me"}
    consumer = {
        **brokers,
        "client.rack": "eu-west-1a",
        "socket.timeout.ms": "7000",
        "socket.receive.buffer.bytes": "0",
    }
    assert dict(clients.coordinator) == {
        **consumer,
        "max.poll.interval.ms": "600000",
        "partition.assignment.strategy": "range",
    }
    assert dict(clients.fetcher) == {**consumer, "fetch.wait.max.ms": "9"}
    assert dict(clients.dead_letter_producer) == {
        **brokers,
        "message.timeout.ms": "5000",
        "queue.buffering.max.kbytes": "32768",
        "message.max.bytes": "2000000",
        "request.timeout.ms": "6000",
    }
    assert dict(clients.admin) == brokers
    assert loaded.ignored == []


def test_tuning_and_serializers_of_java_are_ignored_with_a_reason(load_text: Load):
    loaded = load_text(
        "consumer.override.max.poll.records=500\n"
        "consumer.override.linger.ms=5\n"
        "producer.override.max.block.ms=60000\n"
        "producer.override.key.serializer=org.apache.kafka.common.serialization.ByteArraySerializer\n"
        "consumer.override.metric.reporters=com.example.Reporter\n"
    )
    assert {ignored.key: bool(ignored.reason) for ignored in loaded.ignored} == {
        "consumer.override.max.poll.records": True,
        "consumer.override.linger.ms": True,
        "producer.override.max.block.ms": True,
        "producer.override.key.serializer": True,
        "consumer.override.metric.reporters": True,
    }


def test_a_scram_login_holds_for_every_client_of_the_cluster(load_text: Load):
    clients = load_text(SCRAM).clients
    for properties in (clients.coordinator, clients.fetcher, clients.dead_letter_producer, clients.admin):
        assert properties["security.protocol"] == "SASL_SSL"
        assert properties["sasl.mechanism"] == "SCRAM-SHA-512"
        assert properties["sasl.username"] == "app"
        assert properties["sasl.password"] == 'a"b c;'


def test_a_client_without_security_of_its_own_takes_the_consumers(load_text: Load):
    text = "".join(f"consumer.override.{line}\n" for line in SCRAM.splitlines())
    clients = load_text(text + "aws.lambda.response.topic=results\n").clients
    assert clients.admin["sasl.username"] == "app"
    assert clients.response_producer["sasl.username"] == "app"


def test_credentials_are_never_taken_to_another_cluster(load_text: Load):
    text = SCRAM + "aws.lambda.response.topic=results\naws.lambda.response.bootstrap.servers=other:9092\n"
    clients = load_text(text).clients
    assert dict(clients.response_producer) == {"bootstrap.servers": "other:9092"}
    assert dict(clients.response_admin) == {"bootstrap.servers": "other:9092"}


def test_the_same_cluster_named_again_keeps_its_credentials(load_text: Load):
    text = SCRAM + "aws.lambda.error.topic=errors\naws.lambda.error.bootstrap.servers=SASL_SSL://localhost:9092\n"
    assert load_text(text).clients.error_producer["sasl.username"] == "app"


def test_a_listener_before_an_address_says_the_protocol(load_text: Load, refuse_text: Refuse):
    login = "sasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=p\nbootstrap.servers=SASL_SSL://a:1,SASL_SSL://b:2\n"
    clients = load_text(login).clients
    assert clients.fetcher["bootstrap.servers"] == "a:1,b:2"
    assert clients.fetcher["security.protocol"] == "SASL_SSL"
    problems = refuse_text(login + "security.protocol=PLAINTEXT\n")
    assert {problem.error_id for problem in problems} == {"conflict"}
    problems = refuse_text("bootstrap.servers=SASL_SSL://a:1,SSL://b:2\n")
    assert {problem.error_id for problem in problems} == {"invalid-value"}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("security.protocol=SASL_SSL\n", "GSSAPI"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\n", "GSSAPI"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n", "user name and a password"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM\n", "login module"),
    ],
)
def test_a_login_that_cannot_work_is_told_before_a_broker_does(refuse_text: Refuse, text: str, missing: str):
    (problem,) = refuse_text(text)
    assert missing in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "sasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=p\n",
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=p\n",
        "security.protocol=SSL\nssl.endpoint.identification.algorithm=\n",
        "security.protocol=SSL\nenable.ssl.certificate.verification=false\n",
    ],
)
def test_weak_or_ineffective_security_is_a_warning(load_text: Load, text: str):
    assert len(load_text(text).warnings) == 1


def test_a_token_in_the_clear_is_weak_and_one_within_tls_is_not(load_text: Load):
    login = "sasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://id.example.com/token\n"
    (told,) = load_text(login + "security.protocol=SASL_PLAINTEXT\n").warnings
    assert (told.error_id, told.key) == ("weak-security", "sasl.mechanism")
    assert "the token" in told.message
    assert load_text(login + "security.protocol=SASL_SSL\n").warnings == []


@pytest.mark.parametrize(
    ("key", "given", "effective"),
    [
        ("producer.override.delivery.timeout.ms", "120000", "59999"),
        ("producer.override.delivery.timeout.ms", "60000", "59999"),
        ("producer.override.message.timeout.ms", "0", "59999"),
        ("producer.override.message.timeout.ms", "59999", None),
        ("producer.override.message.timeout.ms", "1", None),
    ],
)
def test_a_report_has_its_last_word_within_a_minute_and_a_longer_time_is_told(
    load_text: Load, key: str, given: str, effective: str | None
):
    text = f"errors.tolerance=all\nerrors.deadletterqueue.topic.name=dead\n{key}={given}\n"
    loaded = load_text(text)
    assert loaded.clients.dead_letter_producer["message.timeout.ms"] == (effective or given)
    assert [(told.key, told.error_id) for told in loaded.warnings] == ([(key, "value-cut")] if effective else [])
    for told in loaded.warnings:
        assert told.line is not None
        assert f"is {given}, and 59999 is in force" in told.message


@pytest.mark.parametrize("value", ["soon", ""])
def test_a_time_for_reports_that_is_no_number_is_refused(refuse_text: Refuse, value: str):
    (problem,) = refuse_text(f"producer.override.delivery.timeout.ms={value}\n")
    assert (problem.key, problem.message) == ("producer.override.delivery.timeout.ms", "must be a whole number")


def test_an_empty_identification_algorithm_is_none(load_text: Load):
    text = "security.protocol=SSL\nssl.endpoint.identification.algorithm=\n"
    assert load_text(text).clients.fetcher["ssl.endpoint.identification.algorithm"] == "none"


def test_msk_iam_is_marked_for_the_kafka_shell(load_text: Load):
    text = (
        "security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM\n"
        "sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;\n"
        "sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler\n"
    )
    loaded = load_text(text)
    for properties in (loaded.clients.fetcher, loaded.clients.admin):
        assert properties["sasl.mechanism"] == "OAUTHBEARER"
        assert properties[MSK_IAM] == "true"
    assert [ignored.key for ignored in loaded.ignored] == ["sasl.client.callback.handler.class"]


def test_oauth_client_credentials_become_oidc(load_text: Load):
    text = (
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n"
        "sasl.oauthbearer.token.endpoint.url=https://id.example.com/token\n"
        "sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\n"
        "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
        "clientId='me' clientSecret=\"s\" scope=kafka extension_logicalCluster='lkc-1';\n"
    )
    fetcher = load_text(text).clients.fetcher
    assert {name: value for name, value in fetcher.items() if name.startswith("sasl.oauth")} == {
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": "https://id.example.com/token",
        "sasl.oauthbearer.client.id": "me",
        "sasl.oauthbearer.client.secret": "s",
        "sasl.oauthbearer.scope": "kafka",
        "sasl.oauthbearer.extensions": "logicalCluster=lkc-1",
    }


@pytest.mark.parametrize(
    "jaas",
    [
        "com.sun.security.auth.module.JndiLoginModule required user.provider.url=x;",
        "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;",
        "x.PlainLoginModule required username=u;",
        "x.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=u;",
        "software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn=x;",
        "x.PlainLoginModule",
        "x.PlainLoginModule required username=u password;",
    ],
)
def test_login_modules_without_a_counterpart_are_refused(refuse_text: Refuse, jaas: str):
    problems = refuse_text(f"sasl.jaas.config={jaas}\n")
    assert [(problem.key, problem.error_id) for problem in problems] == [("sasl.jaas.config", "invalid-value")]


def test_kip_848_refuses_what_the_broker_decides(refuse_text: Refuse):
    text = "consumer.override.group.protocol=CONSUMER\nconsumer.override.session.timeout.ms=6000\n"
    (problem,) = refuse_text(text)
    assert "session.timeout.ms" in problem.message


def test_every_known_key_is_named_once():
    assert len(known_client_keys()) == len(set(known_client_keys()))
