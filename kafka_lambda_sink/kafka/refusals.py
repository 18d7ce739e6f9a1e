"""What librdkafka refuses of a client's configuration, told without a network and before the client is wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.kafka.client_config import build_client, named_properties
from kafka_lambda_sink.kafka.client_events import ClientEvents
from kafka_lambda_sink.kafka.msk_iam import MSK_IAM, msk_token

#: A client with OAUTHBEARER goes for a token as soon as it is there.
_WITHOUT_LOGIN: Final = {"SASL_SSL": "SSL", "SASL_PLAINTEXT": "PLAINTEXT"}


def _refusals(
    client: Callable[[dict[str, Any]], Consumer | Producer | AdminClient],
    config: Mapping[str, Any],
    own: Collection[str],
) -> list[Problem]:
    """Everything that is wrong with `config`, one problem a property, in librdkafka's names. Takes a millisecond or so.

    `own` are the properties that the user gave: where two do not go together, one of these is at fault. A client is
    built and closed that knows no broker; a property that is refused is taken away, and the rest is tried.
    """
    tried = dict(config)
    problems = _prepare(tried)
    while True:
        try:
            built = build_client(client, tried, ClientEvents())
        except ConfigError as error:
            (problem,) = error.problems
        else:
            if isinstance(built, Consumer):
                built.close()
            return problems
        named = named_properties(problem.message, tried)
        key = next((name for name in named if name in own), problem.key)
        problems.append(Problem(key=key, message=problem.message, error_id=problem.error_id, hint=problem.hint))
        if key is None:
            return problems
        del tried[key]


def _prepare(tried: dict[str, Any]) -> list[Problem]:
    """Take away what would ask somebody, in place; what is wrong with that."""
    servers = str(tried.pop("bootstrap.servers", ""))
    problems: list[Problem] = []
    if tried.pop(MSK_IAM, "false") == "true":
        try:
            msk_token(servers)
        except ConfigError as error:
            problems += error.problems
    if tried.get("sasl.mechanism") == "OAUTHBEARER":
        protocol = tried.get("security.protocol", "")
        tried["security.protocol"] = _WITHOUT_LOGIN.get(protocol, protocol)
    return problems


consumer_refusals = partial(_refusals, Consumer)
producer_refusals = partial(_refusals, Producer)
admin_refusals = partial(_refusals, AdminClient)
