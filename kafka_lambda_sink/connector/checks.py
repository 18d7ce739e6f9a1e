"""Everything that `check` looks at, once a configuration is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.clients.security import STORE_KEYS
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.asking import ask_together
from kafka_lambda_sink.connector.claim_checks import claim_askings, offline_claims
from kafka_lambda_sink.connector.client_properties import refused_properties
from kafka_lambda_sink.connector.findings import CheckName, Finding, Status, fine, of_problem, skipped
from kafka_lambda_sink.connector.function_checks import function_askings, offline_functions
from kafka_lambda_sink.connector.kafka_checks import KafkaChecks, possible_loop
from kafka_lambda_sink.connector.registry_asking import offline_registries, registry_askings
from kafka_lambda_sink.connector.report_topics import report_topics
from kafka_lambda_sink.connector.request_formats import request_problems
from kafka_lambda_sink.core.ports import Clock

#: Seconds that everything that has to be asked may take together.
_TIMEOUT: Final = 9.5
#: Properties with files in them, or what comes from files.
_OF_A_MACHINE: Final = (
    *STORE_KEYS,
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.crl.location",
    "ssl.key.location",
)


def check_connector(loaded: LoadedConfig, clock: Clock, *, is_offline: bool) -> Iterator[Finding]:
    """One finding after the other, as they are made. Blocks on brokers and endpoint unless `is_offline`."""
    sink = loaded.sink
    yield fine("configuration", sink.name, f"{len(loaded.used)} keys in force, {len(loaded.ignored)} ignored")
    yield from (of_problem("configuration", sink.name, problem, Status.WARNING) for problem in loaded.warnings)
    yield fine("converters", "key", _converter(sink.key_converter, has_schemas=sink.key_converter_schemas_enable))
    yield fine("converters", "value", _converter(sink.value_converter, has_schemas=sink.value_converter_schemas_enable))
    yield from (of_problem("configuration", sink.name, problem, Status.FAILED) for problem in request_problems(sink))
    refused = list(_client_properties(loaded, is_offline=is_offline))
    yield from refused
    if is_offline:
        yield from _offline(loaded)
        yield from offline_functions(sink, clock)
        yield from offline_registries(loaded)
        yield from offline_claims(sink)
        return
    kafka = KafkaChecks(loaded)
    functions, problems = function_askings(sink, clock)
    clusters = [] if refused else kafka.askings()
    others = [*functions, *claim_askings(sink, clock), *registry_askings(loaded, clock)]
    yield from ask_together([*clusters, *others], clock, _TIMEOUT)
    yield from problems
    if not refused:
        yield from kafka.loops()


def _client_properties(loaded: LoadedConfig, *, is_offline: bool) -> Iterator[Finding]:
    """What the Kafka clients refuse. Offline, what this machine lacks is a doubt: another one may run the connector."""
    for problem in refused_properties(loaded):
        is_local = problem.error_id == "msk-iam" or (problem.key or "").endswith(_OF_A_MACHINE)
        status = Status.WARNING if is_offline and is_local else Status.FAILED
        yield of_problem("client-properties", "Kafka clients", problem, status)


def _offline(loaded: LoadedConfig) -> Iterator[Finding]:
    sink = loaded.sink
    asked: list[tuple[CheckName, str]] = [
        ("brokers", sink.bootstrap_servers),
        ("source-topic", sink.topics_text),
        ("group", loaded.clients.group_id),
    ]
    asked += [("report-topic", topic) for _, topic in sink.report_topics]
    yield from (skipped(check, subject, "not asked: --offline") for check, subject in asked)
    yield from (possible_loop(topic) for topic in report_topics(sink, loaded.clients) if topic.may_loop)


def _converter(name: str, *, has_schemas: bool) -> str:
    if name != "json":
        return name
    return "json with schemas (Connect's envelope)" if has_schemas else "json without schemas"
