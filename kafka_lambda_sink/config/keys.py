"""Whose key is it: a property of ours, of one of the Kafka clients, known elsewhere, or unknown."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum
from functools import cache

from kafka_lambda_sink.config.clients.security import is_security_key
from kafka_lambda_sink.config.clients.table import PASSED, Client
from kafka_lambda_sink.config.clients.translation import is_client_key, known_client_keys
from kafka_lambda_sink.config.declaration import Declared, property_name
from kafka_lambda_sink.config.model import SinkConfig


class Scope(Enum):
    """Which clients a property is for, by its prefix. Those of one client stand behind those of all."""

    COMMON = ""
    CONSUMER = "consumer.override."
    DEAD_LETTER = "producer.override."
    ADMIN = "admin.override."
    RESPONSE = "aws.lambda.response."
    ERROR = "aws.lambda.error."
    REPORT_PRODUCER = "reporter.producer."
    REPORT_ADMIN = "reporter.admin."
    REPORTS = "reporter."
    KEY_REGISTRY = "key.converter.schema.registry."
    VALUE_REGISTRY = "value.converter.schema.registry."


#: Each transform and predicate declares its own keys: no list has them.
PLUGINS = ("transforms.", "predicates.")
#: Of a registry's client only TLS is set in the names of Kafka's clients.
_REGISTRIES = frozenset({Scope.KEY_REGISTRY, Scope.VALUE_REGISTRY})
#: Connect's worker file says `consumer.` where a connector's says `consumer.override.`.
_WORKER_PREFIXES = {"consumer.": Scope.CONSUMER, "producer.": Scope.DEAD_LETTER, "admin.": Scope.ADMIN}
_UNPREFIXED = frozenset({"client.id", "client.rack", "client.dns.lookup"})
#: Client properties that the sink keeps to itself in some scope.
GROUP_ID = "group.id"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A property of a Kafka client."""

    scope: Scope
    #: Its name without the prefix.
    name: str


@cache
def attributes() -> dict[str, str]:
    """Key → attribute of `SinkConfig`, aliases included."""
    found = {}
    for attribute in SinkConfig.model_fields:
        declared = declaration(attribute)
        found[property_name(attribute, declared)] = attribute
        found |= dict.fromkeys(declared.aliases, attribute)
    return found


def declaration(attribute: str) -> Declared:
    """What a property declares beside its type and default."""
    return next(item for item in SinkConfig.model_fields[attribute].metadata if isinstance(item, Declared))


def key_of(attribute: str) -> str:
    """The property's own name, as the reference has it."""
    return property_name(attribute, declaration(attribute))


def worker_key(key: str) -> str:
    """A key of the worker file as a connector's file would have it: `consumer.x` → `consumer.override.x`."""
    for prefix, scope in _WORKER_PREFIXES.items():
        if key.startswith(prefix) and not key.startswith(scope.value):
            return scope.value + key[len(prefix) :]
    return key


def client_key(key: str) -> ClientKey | None:
    """The client property that a key is, or None."""
    for scope in sorted(Scope, key=lambda scope: -len(scope.value)):
        if not key.startswith(scope.value):
            continue
        name = key[len(scope.value) :]
        if scope is Scope.COMMON:
            is_common = (is_security_key(name) and is_client_key(name)) or name in _UNPREFIXED
            return ClientKey(scope, name) if is_common else None
        if scope in _REGISTRIES:
            return ClientKey(scope, name) if name.startswith("ssl.") and is_client_key(name) else None
        own = name == "bootstrap.servers" or (scope is Scope.CONSUMER and name == GROUP_ID)
        return ClientKey(scope, name) if own or is_client_key(name) else None
    return None


@cache
def _known_keys() -> list[str]:
    clients = known_client_keys()
    common = [name for name in clients if is_security_key(name)]
    return [
        *attributes(),
        *common,
        *(
            scope.value + name
            for scope in Scope
            if scope.value
            for name in clients
            if scope not in _REGISTRIES or name.startswith("ssl.")
        ),
    ]


def nearest(key: str) -> str | None:
    """The known key that is most like this one, or None."""
    passed = PASSED.get(key)
    if passed is not None:
        return f"{(Scope.CONSUMER if passed.clients & Client.CONSUMER else Scope.DEAD_LETTER).value}{key}"
    found = difflib.get_close_matches(key, _known_keys(), n=1, cutoff=0.75)
    return found[0] if found else None
