"""Everything that `check` looks at, once a configuration is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.findings import Finding, Status, fine, of_problem, skipped
from kafka_lambda_sink.connector.function_checks import check_function
from kafka_lambda_sink.connector.kafka_checks import KafkaChecks
from kafka_lambda_sink.core.ports import Clock


def check_connector(loaded: LoadedConfig, clock: Clock, *, is_offline: bool) -> Iterator[Finding]:
    """One finding after the other, as they are made. Blocks on brokers and endpoint unless `is_offline`."""
    sink = loaded.sink
    yield fine("configuration", sink.name, f"{len(loaded.used)} keys in force, {len(loaded.ignored)} ignored")
    yield from (of_problem("configuration", sink.name, problem, Status.WARNING) for problem in loaded.warnings)
    yield fine("converters", "key", _converter(sink.key_converter, has_schemas=sink.key_converter_schemas_enable))
    yield fine("converters", "value", _converter(sink.value_converter, has_schemas=sink.value_converter_schemas_enable))
    if is_offline:
        topics = sink.topics_regex or ",".join(sink.topics)
        for check, subject in (
            ("brokers", sink.bootstrap_servers),
            ("source-topic", topics),
            ("group", loaded.clients.group_id),
            *(("report-topic", topic) for topic in sink.report_topics.values()),
        ):
            yield skipped(check, subject, "not asked: --offline")
    else:
        yield from KafkaChecks(loaded).run()
    yield from check_function(sink, clock, is_offline=is_offline)


def _converter(name: str, *, has_schemas: bool) -> str:
    if name != "json":
        return name
    return "json with schemas (Connect's envelope)" if has_schemas else "json without schemas"
