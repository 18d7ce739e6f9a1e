"""Whether librdkafka takes the properties of every client of a connector."""

from __future__ import annotations

from kafka_lambda_sink.config.clients.translation import SecretProperties
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.report_topics import report_topics
from kafka_lambda_sink.core.errors import Problem
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config, member_config, producer_config
from kafka_lambda_sink.kafka.refusals import admin_refusals, consumer_refusals, producer_refusals


def refused_properties(loaded: LoadedConfig) -> list[Problem]:
    """What librdkafka refuses: values, stores that cannot be read. All at once, each at its key and line.

    Builds and closes a client of each kind, a few milliseconds in all; connects to nobody. Raises ConfigError for keys
    that KIP-848 does not know.
    """
    name, group, clients = loaded.sink.name, loaded.clients.group_id, loaded.clients
    problems: list[Problem] = []

    def tell(refused: list[Problem], properties: SecretProperties) -> None:
        problems.extend(_at_its_setting(problem, properties) for problem in refused)

    member = member_config(clients.coordinator, group_id=group, client_id=name)
    tell(consumer_refusals(member, clients.coordinator), clients.coordinator)
    fetcher = fetcher_config(clients.fetcher, group_id=group, client_id=name)
    tell(consumer_refusals(fetcher, clients.fetcher), clients.fetcher)
    topics = report_topics(loaded.sink, clients)
    for properties in (topic.producer for topic in topics):
        tell(producer_refusals(producer_config(properties, client_id=name), properties), properties)
    for properties in (clients.admin, *(topic.admin for topic in topics)):
        tell(admin_refusals(admin_config(properties, client_id=name), properties), properties)
    return list(dict.fromkeys(problems))


def _at_its_setting(problem: Problem, properties: SecretProperties) -> Problem:
    """The problem with the key and the line that the user wrote, where it is about one."""
    name = problem.key or ""
    setting = properties.origins.get(name)
    if setting is None:
        return problem
    is_quoted = setting.is_provided and properties[name] in problem.message
    message = "the value that its config provider gave is not valid" if is_quoted else problem.message
    return setting.problem(problem.error_id, message, problem.hint)
