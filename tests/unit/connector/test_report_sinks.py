from __future__ import annotations

from pathlib import Path

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.connector.report_sinks import ReportSinks
from kafka_lambda_sink.connector.report_topics import report_topics
from kafka_lambda_sink.core.errors import ConfigError, KafkaClientError, RetriableKafkaError
from kafka_lambda_sink.pipeline.alarms import Alarms
from tests.support.config_text import FIVE
from tests.support.fakes import FakeCatalog
from tests.support.stepped_clock import SteppedClock


def loaded(tmp_path: Path, text: str) -> LoadedConfig:
    path = tmp_path / "sink.properties"
    path.write_text(FIVE + text, encoding="utf-8")
    return load(path, environ={})


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("errors.tolerance=none\n", []),
        ("errors.tolerance=all\n", ["dead"]),
        ("errors.deadletterqueue.function.errors.enable=true\n", ["dead"]),
    ],
)
def test_a_dead_letter_topic_is_touched_only_where_something_is_written_to_it(tmp_path, text, topics):
    config = loaded(tmp_path, f"errors.deadletterqueue.topic.name=dead\n{text}")
    assert [topic.topic for topic in report_topics(config.sink, config.clients)] == topics


@pytest.mark.parametrize(("line", "factor"), [("", 3), ("=1", 1), ("=-1", -1)])
def test_a_dead_letter_topic_has_the_replicas_that_are_asked_for(tmp_path, line, factor):
    line = f"errors.deadletterqueue.topic.replication.factor{line}\n" if line else ""
    config = loaded(tmp_path, f"errors.tolerance=all\nerrors.deadletterqueue.topic.name=dead\n{line}")
    assert [topic.replication_factor for topic in report_topics(config.sink, config.clients)] == [factor]


@pytest.mark.parametrize("enable", [False, True])
@pytest.mark.parametrize("messages", [False, True])
def test_what_is_logged_of_a_record_that_cannot_be_converted(tmp_path, *, enable, messages):
    text = f"errors.log.enable={str(enable).lower()}\nerrors.log.include.messages={str(messages).lower()}\n"
    config = loaded(tmp_path, text)
    clock = SteppedClock()
    sinks = ReportSinks(config.sink, config.clients, clock, Alarms(clock), lambda _: FakeCatalog())
    policy = sinks.policy("handle-orders")
    assert (policy.log_errant_records, policy.log_timestamps) == (enable, messages)


MIRROR = "aws.lambda.error.topic=orders\naws.lambda.error.bootstrap.servers=other:9092\n"


def prepare(tmp_path: Path, source: str | None, reports: str | None) -> FakeCatalog:
    """Prepare the error topic `orders` of a sink that reads `orders` from the cluster `source`."""
    config = loaded(tmp_path, MIRROR)
    clock = SteppedClock()
    source_catalog, catalog = FakeCatalog(), FakeCatalog()
    source_catalog.cluster, catalog.cluster = source, reports
    ReportSinks(config.sink, config.clients, clock, Alarms(clock), lambda _: catalog).prepare_topics(source_catalog)
    return catalog


def test_a_topic_of_the_same_name_on_another_cluster_is_prepared_as_any(tmp_path):
    assert "orders" in prepare(tmp_path, "one", "another").topics


def test_the_same_cluster_by_other_addresses_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        prepare(tmp_path, "one", "one")
    (problem,) = caught.value.problems
    assert (problem.key, problem.error_id) == ("aws.lambda.error.topic", "topic-loop")
    assert "other:9092 is the cluster that they are read from" in problem.message


def test_clusters_without_ids_are_a_warning(tmp_path, caplog):
    assert "orders" in prepare(tmp_path, None, None).topics
    assert "cannot tell whether" in caplog.text


class RefusingCatalog(FakeCatalog):
    """Creates nothing, with an error of this code."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def create(self, topic: str, partitions: int, replication_factor: int, config: dict[str, str]) -> None:
        raise RetriableKafkaError(f"{topic} {partitions} {replication_factor} {config}", code=self.code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("_TIMED_OUT", RetriableKafkaError),
        ("NOT_CONTROLLER", RetriableKafkaError),
        ("INVALID_REPLICATION_FACTOR", ConfigError),
        ("POLICY_VIOLATION", ConfigError),
    ],
)
def test_a_cluster_that_could_not_answer_is_asked_again_and_one_that_refused_is_not(
    tmp_path, code: str, kind: type[KafkaClientError]
):
    config = loaded(tmp_path, "aws.lambda.error.topic=errors\n")
    clock = SteppedClock()
    catalog = RefusingCatalog(code)
    sinks = ReportSinks(config.sink, config.clients, clock, Alarms(clock), lambda _: catalog)
    with pytest.raises(kind):
        sinks.prepare_topics(FakeCatalog())
    assert catalog.is_closed


ROUTING = (
    "aws.lambda.reply.routing=true\naws.lambda.reply.routing.topics=audit,alerts\n"
    "reporter.result.topic.partitions=6\nreporter.result.topic.replication.factor=2\nreporter.error.topic.name=\n"
)


@pytest.mark.parametrize("response", ["", "results"])
def test_topics_that_replies_may_name_are_made_like_the_response_topic_and_share_its_producer(
    tmp_path: Path, response: str
):
    config = loaded(tmp_path, f"{ROUTING}reporter.result.topic.name={response}\n")
    clock, catalog = SteppedClock(), FakeCatalog()
    opened: list[object] = []

    def open_catalog(properties: object) -> FakeCatalog:
        opened.append(properties)
        return catalog

    sinks = ReportSinks(config.sink, config.clients, clock, Alarms(clock), open_catalog)
    sinks.prepare_topics(FakeCatalog())
    assert set(catalog.topics) == {"audit", "alerts", response} - {""}
    assert [topic[1:] for topic in topics_of(config)] == [(6, 2)] * len(catalog.topics)
    assert len(opened) == 1
    assert sinks.policy("handle-orders").results is not None
    (reporter,) = sinks.reporters
    reporter.stop(0.0)


def topics_of(config: LoadedConfig) -> list[tuple[str, int, int]]:
    return [
        (topic.topic, topic.partitions, topic.replication_factor)
        for topic in report_topics(config.sink, config.clients)
    ]


def test_a_topic_that_replies_may_name_is_refused_where_it_is_one_that_is_read(tmp_path: Path):
    text = (
        "aws.lambda.reply.routing=true\naws.lambda.reply.routing.topics=audit,orders\n"
        "aws.lambda.response.bootstrap.servers=other:9092\n"
    )
    config = loaded(tmp_path, text)
    clock, catalog, source = SteppedClock(), FakeCatalog(), FakeCatalog()
    catalog.cluster = source.cluster = "one"
    sinks = ReportSinks(config.sink, config.clients, clock, Alarms(clock), lambda _: catalog)
    with pytest.raises(ConfigError) as caught:
        sinks.prepare_topics(source)
    (problem,) = caught.value.problems
    assert (problem.key, problem.error_id) == ("aws.lambda.reply.routing.topics", "topic-loop")
    assert list(catalog.topics) == ["audit"]
