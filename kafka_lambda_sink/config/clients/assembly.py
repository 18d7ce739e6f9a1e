"""The properties of every Kafka client of a connector, from all the keys that say something about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafka_lambda_sink.config.bootstrap import normal_bootstrap_servers
from kafka_lambda_sink.config.clients.security import is_security_key
from kafka_lambda_sink.config.clients.table import PASSED, Client
from kafka_lambda_sink.config.clients.translation import SecretProperties, Translated, translate
from kafka_lambda_sink.config.keys import GROUP_ID, ClientKey, Scope
from kafka_lambda_sink.config.settings import Setting, overridden_by
from kafka_lambda_sink.core.errors import Problem

_BOOTSTRAP = "bootstrap.servers"
#: Client properties by name, without prefix.
ByName = dict[str, Setting]


@dataclass(frozen=True, slots=True)
class ClientProperties:
    """Properties of the Kafka clients in librdkafka's names, `bootstrap.servers` included.

    Only what the user asked for, translated. What the sink's guarantees rest on (`enable.auto.commit`, `acks`, …) is
    set by `kafka/`, and asking for something else is refused. `kls.sasl.aws.msk.iam=true` is no property of
    librdkafka: it asks for tokens signed with AWS credentials, and comes with `sasl.mechanism=OAUTHBEARER`.
    """

    #: The consumer group.
    group_id: str
    #: The group's member: group, session and poll settings.
    coordinator: SecretProperties
    #: A consumer a partition: fetch and queue settings.
    fetcher: SecretProperties
    #: Writes the response topic.
    response_producer: SecretProperties
    #: Writes the error topic.
    error_producer: SecretProperties
    #: Writes the dead letter topic, on the source's cluster.
    dead_letter_producer: SecretProperties
    #: Asks about topics of the source's cluster.
    admin: SecretProperties
    #: Asks about and creates the response topic, on its cluster.
    response_admin: SecretProperties
    #: As `response_admin`, for the error topic.
    error_admin: SecretProperties
    #: TLS of the schema registry of keys: `ssl.*` alone.
    key_registry: SecretProperties
    #: As `key_registry`, of values.
    value_registry: SecretProperties


@dataclass(slots=True)
class Assembly:
    """What `assemble` found out."""

    properties: ClientProperties
    ignored: dict[Setting, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


class _Scopes:
    """Settings by scope: what a higher layer says replaces what a lower one says, key by key."""

    def __init__(self, layers: Iterable[Iterable[tuple[ClientKey, Setting]]]) -> None:
        self._by_scope: dict[Scope, ByName] = {scope: {} for scope in Scope}
        self._rank: dict[Setting, int] = {}
        self.overridden: dict[Setting, str] = {}
        self.conflicts: list[Problem] = []
        for rank, layer in enumerate(layers):
            for key, setting in layer:
                winner = self._by_scope[key.scope].setdefault(key.name, setting)
                self._rank.setdefault(setting, rank)
                if winner is not setting:
                    self.overridden[setting] = overridden_by(winner)

    def __getitem__(self, scope: Scope) -> ByName:
        return self._by_scope[scope]

    def reports(self, own: Scope) -> ByName:
        """Settings of a report producer: its own prefix of the first release, and today's `reporter.` prefixes."""
        merged = self[Scope.REPORTS] | self[Scope.REPORT_PRODUCER]
        for name, setting in self[own].items():
            other = merged.get(name)
            if other is None or self._rank[setting] < self._rank[other]:
                merged[name] = setting
            elif self._rank[setting] == self._rank[other] and setting.value.strip() != other.value.strip():
                message = f"means the same as {other.key}, with another value"
                self.conflicts.append(setting.problem("conflict", message, "Remove one of them"))
        return merged


def assemble(
    layers: Iterable[Iterable[tuple[ClientKey, Setting]]],
    *,
    name: str,
    bootstrap: Setting | None,
    has_results: bool,
    has_error_topic: bool,
) -> Assembly:
    """Translate the properties of every client. `layers` has the highest precedence first.

    `name` is the connector's, `bootstrap` the setting of the source's brokers.
    """
    scopes = _Scopes(layers)
    collected = _Collected()
    collected.ignored |= scopes.overridden
    common, consumer = scopes[Scope.COMMON], scopes[Scope.CONSUMER]
    group = consumer.pop(GROUP_ID, None)
    source = _Cluster(common, consumer, bootstrap)
    response = scopes.reports(Scope.RESPONSE) if has_results else {}
    error = scopes.reports(Scope.ERROR) if has_error_topic else {}
    admin_of = scopes[Scope.REPORTS] | scopes[Scope.REPORT_ADMIN]
    consumers = collected.translate(source.settings(consumer), Client.CONSUMER, source, consumer)
    properties = ClientProperties(
        group_id=group.value.strip() if group and group.value.strip() else f"connect-{name}",
        coordinator=source.with_brokers(consumers.properties(Client.COORDINATOR), consumer),
        fetcher=source.with_brokers(consumers.properties(Client.FETCHER), consumer),
        response_producer=collected.client(response, Client.PRODUCER, source),
        error_producer=collected.client(error, Client.PRODUCER, source),
        dead_letter_producer=collected.client(scopes[Scope.DEAD_LETTER], Client.PRODUCER, source),
        admin=collected.client(scopes[Scope.ADMIN], Client.ADMIN, source),
        response_admin=collected.client(_for_admin(response) | admin_of, Client.ADMIN, source),
        error_admin=collected.client(_for_admin(error) | admin_of, Client.ADMIN, source),
        key_registry=collected.registry(scopes[Scope.KEY_REGISTRY]),
        value_registry=collected.registry(scopes[Scope.VALUE_REGISTRY]),
    )
    for scope, is_on, what in (
        (Scope.RESPONSE, has_results, "response"),
        (Scope.ERROR, has_error_topic, "error"),
    ):
        if not is_on:
            collected.ignored |= dict.fromkeys(scopes[scope].values(), f"there is no {what} topic")
    problems = [*scopes.conflicts, *collected.problems]
    return Assembly(
        properties, collected.ignored, list(dict.fromkeys(problems)), list(dict.fromkeys(collected.warnings))
    )


def _for_admin(settings: Mapping[str, Setting]) -> ByName:
    """What an admin client can use of a producer's settings."""
    return {
        name: setting
        for name, setting in settings.items()
        if is_security_key(name) or name == _BOOTSTRAP or (name in PASSED and Client.ADMIN in PASSED[name].clients)
    }


class _Cluster:
    """The source's cluster, and what its other clients take over from the consumers."""

    def __init__(self, common: ByName, consumer: ByName, bootstrap: Setting | None) -> None:
        self._common = common
        self._security = {name: s for name, s in (common | consumer).items() if is_security_key(name)}
        self.bootstrap = bootstrap

    def settings(self, own: ByName) -> ByName:
        """Everything that holds for a client with these settings of its own.

        On the source's cluster a client takes over the common settings, and all the consumers' security when it has
        none of its own. Credentials are never taken to another cluster.
        """
        plain = {name: setting for name, setting in self._common.items() if not is_security_key(name)}
        if not self._is_here(own):
            return plain | own
        if any(is_security_key(name) for name in own):
            return self._common | own
        return plain | self._security | own

    def brokers_of(self, own: ByName) -> Setting | None:
        """The setting that names the brokers of a client."""
        return own.get(_BOOTSTRAP) or self.bootstrap

    def with_brokers(self, properties: SecretProperties, own: ByName) -> SecretProperties:
        """The properties with `bootstrap.servers`."""
        brokers = self.brokers_of(own)
        if brokers is not None:
            properties[_BOOTSTRAP] = _normal(brokers)
        return properties

    def _is_here(self, own: ByName) -> bool:
        other = own.get(_BOOTSTRAP)
        if other is None or self.bootstrap is None:
            return other is None
        return set(_normal(other).split(",")) == set(_normal(self.bootstrap).split(","))


def _normal(bootstrap: Setting) -> str:
    try:
        return normal_bootstrap_servers(bootstrap.value)
    except ValueError:
        return bootstrap.value  # reported where the setting is checked


class _Collected:
    """Translates clients and gathers what there is to say about them."""

    def __init__(self) -> None:
        self.ignored: dict[Setting, str] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def translate(self, settings: ByName, client: Client, source: _Cluster, own: ByName) -> Translated:
        brokers = source.brokers_of(own)
        relevant = {
            name: setting
            for name, setting in settings.items()
            if name in own or name not in PASSED or PASSED[name].clients & client
        }
        result = translate({name: s for name, s in relevant.items() if name != _BOOTSTRAP}, client, brokers)
        self.ignored |= dict(result.ignored)
        self.problems += result.problems
        self.warnings += result.warnings
        if _BOOTSTRAP in own:
            self._check(own[_BOOTSTRAP])
        return result

    def client(self, own: ByName, client: Client, source: _Cluster) -> SecretProperties:
        result = self.translate(source.settings(own), client, source, own)
        return source.with_brokers(result.properties(client), own)

    def registry(self, own: ByName) -> SecretProperties:
        """A registry is no cluster: it takes over nothing."""
        result = translate(own, Client.ADMIN, None)
        self.ignored |= dict(result.ignored)
        self.problems += result.problems
        return result.properties(Client.ADMIN)

    def _check(self, bootstrap: Setting) -> None:
        try:
            normal_bootstrap_servers(bootstrap.value)
        except ValueError as error:
            self.problems.append(bootstrap.problem("invalid-value", str(error)))
