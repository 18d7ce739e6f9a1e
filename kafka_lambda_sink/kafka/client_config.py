"""The final configuration of every client: the user's properties, then what the guarantees rest on.

Properties come in librdkafka's names, already translated and checked (`config`). What stands in a `_FORCED` table wins
over them; what stands in a `_DEFAULT` table does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

from kafka_lambda_sink.core.errors import ConfigError, KafkaLambdaSinkError, Problem, RetriableKafkaError
from kafka_lambda_sink.kafka.client_events import ClientEvents
from kafka_lambda_sink.kafka.msk_iam import MSK_IAM, msk_token

T = TypeVar("T")

_FORCED_CONSUMER: Final = {
    # Commits are ours, explicit, and of what has a final outcome.
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    # Where to start is our decision too; librdkafka's own reset would skip or repeat records in silence.
    "auto.offset.reset": "error",
    "allow.auto.create.topics": "false",
}
_DEFAULT_CONSUMER: Final = {"isolation.level": "read_committed"}

_DEFAULT_FETCHER: Final = {
    # One queue a partition, which memory bounds at many partitions: 2 MB cost 10 MB more resident at four, and the
    # same CPU time. With librdkafka's backoff of 1000 ms a full queue costs 14 times.
    "queued.max.messages.kbytes": "1024",
    "fetch.queue.backoff.ms": "20",
}
#: Tells a partition's end, the only sign of the position behind records that compaction took from the tail.
_FORCED_FETCHER: Final = {"enable.partition.eof": "true"}

_FORCED_PRODUCER: Final = {"enable.idempotence": "true", "acks": "all"}
_DEFAULT_PRODUCER: Final = {
    # Java's partitioner: a compacted topic stays compacted by key after a migration.
    "partitioner": "murmur2_random",
    "message.timeout.ms": "30000",
    "linger.ms": "5",
    # The broker refuses a whole batch over `max.message.bytes`, and librdkafka does not split it: stay far below.
    "batch.size": "65536",
    # How large a record may be is for its topic to say: librdkafka's own million is below what topics take by default.
    "message.max.bytes": "10000000",
    "queue.buffering.max.kbytes": "65536",
}

#: librdkafka's default of `message.max.bytes`.
_MESSAGE_MAX: Final = 1_000_000

_MEMBER_ONLY: Final = frozenset(
    {
        "group.protocol",
        "group.remote.assignor",
        "group.instance.id",
        "partition.assignment.strategy",
        "session.timeout.ms",
        "heartbeat.interval.ms",
        "group.protocol.type",
        "max.poll.interval.ms",
    }
)
_FETCHER_ONLY: Final = ("fetch.", "queued.", "max.partition.fetch.bytes", "check.crcs")
#: What a client that neither consumes nor produces understands; librdkafka complains in its log about the rest.
_CONNECTION: Final = (
    "bootstrap.servers",
    "metadata.broker.list",
    "security.protocol",
    "sasl.",
    "ssl.",
    "enable.ssl.",
    "enable.sasl.",
    "https.",
    "client.",
    "socket.",
    "broker.",
    "connections.",
    "reconnect.",
    "retry.backoff.",
    "metadata.max.age.ms",
    "api.version.",
    "debug",
    "log_level",
    MSK_IAM,
)
#: With `group.protocol=consumer` the broker decides these. Source: KIP-848; librdkafka refuses them at construction.
_BROKER_DECIDES: Final = frozenset(
    {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy", "group.protocol.type"}
)
_PROPERTY: Final = re.compile(r'configuration property:? "(?P<key>[^"]+)"')


def member_config(properties: Mapping[str, str], *, group_id: str, client_id: str) -> dict[str, Any]:
    """For the group's member, which gets no records. Raises ConfigError for keys that KIP-848 does not know."""
    mine = {key: value for key, value in properties.items() if not key.startswith(_FETCHER_ONLY)}
    if is_broker_side(properties):
        refused = sorted(_BROKER_DECIDES & properties.keys())
        if refused:
            raise ConfigError([_decided_by_broker(key) for key in refused])
    else:
        mine.setdefault("partition.assignment.strategy", "cooperative-sticky")
    return {"client.id": client_id} | _DEFAULT_CONSUMER | mine | _FORCED_CONSUMER | {"group.id": group_id}


def fetcher_config(properties: Mapping[str, str], *, group_id: str, client_id: str) -> dict[str, Any]:
    """For the reader of one partition. It has the group's id, so that the group's ACL serves it, and never joins."""
    mine = {key: value for key, value in properties.items() if key not in _MEMBER_ONLY}
    fetch_max = mine.get("fetch.max.bytes", "")
    if fetch_max.isdecimal() and int(fetch_max) < _MESSAGE_MAX:
        # librdkafka, unlike Java, wants this one to be no larger, although a consumer has no other use for it.
        mine.setdefault("message.max.bytes", fetch_max)
    forced = _FORCED_CONSUMER | _FORCED_FETCHER | {"group.id": group_id}
    return {"client.id": client_id} | _DEFAULT_CONSUMER | _DEFAULT_FETCHER | mine | forced


def producer_config(properties: Mapping[str, str], *, client_id: str) -> dict[str, Any]:
    """For the reports of one cluster."""
    mine = dict(properties)
    for alias, key in (("request.required.acks", "acks"), ("queue.buffering.max.ms", "linger.ms")):
        if alias in mine:
            mine[key] = mine.pop(alias)
    return {"client.id": client_id} | _DEFAULT_PRODUCER | mine | _FORCED_PRODUCER


def admin_config(properties: Mapping[str, str], *, client_id: str) -> dict[str, Any]:
    """For questions about topics and groups: how to connect, nothing else."""
    return {"client.id": client_id} | {key: value for key, value in properties.items() if key.startswith(_CONNECTION)}


def is_broker_side(config: Mapping[str, Any]) -> bool:
    """Whether the group protocol is KIP-848's, where the broker assigns."""
    return str(config.get("group.protocol", "classic")).lower() == "consumer"


def build_client(client: Callable[[dict[str, Any]], T], config: Mapping[str, Any], events: ClientEvents) -> T:
    """A client whose log lines and errors go to `events`.

    Raises ConfigError where librdkafka refuses a property, RetriableKafkaError where there is no token to authenticate
    with. With MSK's IAM it blocks for a second: confluent-kafka waits that long for the token, even if it is there.
    """
    final = dict(config)
    if final.pop(MSK_IAM, "false") == "true":
        token = msk_token(str(final.get("bootstrap.servers", "")))
        # Asked here first: confluent-kafka waits ten seconds for a token that fails, and does not say why it did.
        token()
        final["oauth_cb"] = token
    try:
        return client(final | events.config())
    except KafkaException as error:
        refusal = error
    except SystemError as error:
        # A consumer that got no token is closed with its exception pending, and calls back meanwhile.
        if not isinstance(error.__cause__, KafkaException):
            raise
        refusal = error.__cause__
    # Not chained: a traceback that shows local variables would show the configuration.
    raise _refusal(refusal.args[0]) from None


def _refusal(error: KafkaError) -> KafkaLambdaSinkError:
    text = error.str()
    if error.code() == KafkaError.SASL_AUTHENTICATION_FAILED:
        return RetriableKafkaError(f"no client was built: {text}", code=error.name())
    match = _PROPERTY.search(text)
    return ConfigError([Problem(key=match["key"] if match else None, message=text, error_id="client-configuration")])


def _decided_by_broker(key: str) -> Problem:
    return Problem(
        key=key,
        message="has no meaning with group.protocol=consumer: the broker decides",
        error_id="conflicting-keys",
        hint="Remove it; the broker's counterparts begin with group.consumer.",
    )
