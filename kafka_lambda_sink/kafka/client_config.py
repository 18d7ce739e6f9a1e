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
#: Of a consumer that reads many: little of each at a time, so that a reply, which its queue bounds, has some of most.
_DEFAULT_SHARED: Final = _DEFAULT_FETCHER | {"max.partition.fetch.bytes": "65536"}
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
    "metadata.",
    "topic.metadata.",
    "api.version.",
    "debug",
    "log_level",
    MSK_IAM,
)
#: With `group.protocol=consumer` the broker decides these. Source: KIP-848; librdkafka refuses them at construction.
_BROKER_DECIDES: Final = frozenset(
    {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy", "group.protocol.type"}
)
_FAILED: Final = re.compile("^Failed to create [a-z ]+: ")
_PROPERTY: Final = re.compile(r"[a-z]+(?:\.[a-z]+)+")
#: librdkafka's own names of what is set by another one, as its messages have them.
_ALIASES: Final = {
    "compression.codec": "compression.type",
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
    "max.in.flight": "max.in.flight.requests.per.connection",
    "message.send.max.retries": "retries",
    "queue.buffering.max.ms": "linger.ms",
    "sasl.mechanisms": "sasl.mechanism",
}


def member_config(properties: Mapping[str, str], *, group_id: str, client_id: str) -> dict[str, Any]:
    """For the group's member, which gets no records. Raises ConfigError for keys that KIP-848 does not know."""
    mine = {key: value for key, value in properties.items() if not key.startswith(_FETCHER_ONLY)}
    if is_broker_side(properties):
        refused = sorted(_BROKER_DECIDES & properties.keys())
        if refused:
            raise ConfigError([_decided_by_broker(key) for key in refused])
    else:
        mine.setdefault("partition.assignment.strategy", "cooperative-sticky")
        # librdkafka, unlike Java, wants it to be no less. The member polls all the time: it limits nothing else here.
        if _number(mine, "max.poll.interval.ms", 300_000) < _number(mine, "session.timeout.ms", 45_000):
            mine["max.poll.interval.ms"] = mine.get("session.timeout.ms", "45000")
    mine |= _reconnecting(mine)
    return {"client.id": client_id} | _DEFAULT_CONSUMER | mine | _FORCED_CONSUMER | {"group.id": group_id}


def fetcher_config(
    properties: Mapping[str, str], *, group_id: str, client_id: str, is_shared: bool = False
) -> dict[str, Any]:
    """For the reader of one partition, or of many. It has the group's id, so that its ACL does, and never joins."""
    mine = {key: value for key, value in properties.items() if key not in _MEMBER_ONLY}
    if _number(mine, "fetch.max.bytes", _MESSAGE_MAX) < _MESSAGE_MAX:
        # librdkafka, unlike Java, wants this one to be no larger, although a consumer has no other use for it.
        mine.setdefault("message.max.bytes", mine["fetch.max.bytes"])
    mine |= _reconnecting(mine)
    defaults = _DEFAULT_SHARED if is_shared else _DEFAULT_FETCHER
    forced = _FORCED_CONSUMER | _FORCED_FETCHER | {"group.id": group_id}
    return {"client.id": client_id} | _DEFAULT_CONSUMER | defaults | mine | forced


def producer_config(properties: Mapping[str, str], *, client_id: str) -> dict[str, Any]:
    """For the reports of one cluster."""
    mine = dict(properties)
    for alias, key in (("request.required.acks", "acks"), ("queue.buffering.max.ms", "linger.ms")):
        if alias in mine:
            mine[key] = mine.pop(alias)
    return {"client.id": client_id} | _DEFAULT_PRODUCER | mine | _reconnecting(mine) | _FORCED_PRODUCER


def admin_config(properties: Mapping[str, str], *, client_id: str) -> dict[str, Any]:
    """For questions about topics and groups: how to connect, nothing else."""
    mine = {key: value for key, value in properties.items() if key.startswith(_CONNECTION)}
    return {"client.id": client_id} | mine | _reconnecting(mine)


def _reconnecting(mine: Mapping[str, str]) -> dict[str, str]:
    """As Java reads the two: a first pause alone is the longest too, and none is longer than the longest."""
    first, longest = "reconnect.backoff.ms", "reconnect.backoff.max.ms"
    if _number(mine, first, 100) <= _number(mine, longest, 10_000):
        return {}
    return {first: mine[longest]} if longest in mine else {longest: mine[first]}


def _number(properties: Mapping[str, str], key: str, default: int) -> int:
    """A number, or the default for what is none: librdkafka refuses that by its name."""
    text = properties.get(key, "")
    return int(text) if text.isdecimal() else default


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
    raise _refusal(refusal.args[0], final) from None


def named_properties(message: str, config: Mapping[str, Any]) -> list[str]:
    """Those of `config` that a message of librdkafka names, in its order."""
    found = _PROPERTY.findall(message)
    names = (name if name in config else _ALIASES.get(name, name) for name in found)
    return [name for name in dict.fromkeys(names) if name in config]


def _refusal(error: KafkaError, config: Mapping[str, Any]) -> KafkaLambdaSinkError:
    text = _FAILED.sub("", error.str()).strip()
    if error.code() == KafkaError.SASL_AUTHENTICATION_FAILED:
        return RetriableKafkaError(f"no client was built: {text}", code=error.name())
    key = next(iter(named_properties(text, config)), None)
    return ConfigError([Problem(key=key, message=text, error_id="client-configuration")])


def _decided_by_broker(key: str) -> Problem:
    return Problem(
        key=key,
        message="has no meaning with group.protocol=consumer: the broker decides",
        error_id="conflicting-keys",
        hint="Remove it; the broker's counterparts begin with group.consumer.",
    )
