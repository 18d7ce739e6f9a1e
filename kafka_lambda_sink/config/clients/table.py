"""The client properties that reach a client (`withheld` has those that do not).

Java's names are those of Apache Kafka 4.1 (https://kafka.apache.org/documentation/#configuration), the targets those of
librdkafka's CONFIGURATION.md. What is in neither table is unknown: nothing reaches a client because its name has the
right prefix, since librdkafka has properties that load libraries and run commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto

#: Java's largest int.
_INT_MAX = 2**31 - 1


class Client(Flag):
    """The clients of a connector."""

    COORDINATOR = auto()
    FETCHER = auto()
    PRODUCER = auto()
    ADMIN = auto()
    CONSUMER = COORDINATOR | FETCHER
    ALL = CONSUMER | PRODUCER | ADMIN


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that are put in force: the nearest of them stands in for another one, and that is told."""

    least: int
    most: int
    #: Why they are ours. Without a reason they are librdkafka's, which takes less than Java: there Java's 0 and its
    #: largest number, "as little" and "as much as possible", are fitted without a word.
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A property that reaches the client."""

    #: librdkafka's name.
    target: str
    clients: Client = Client.ALL
    #: Java's text → librdkafka's. Raises ValueError.
    convert: Callable[[str], str] = str
    #: In librdkafka's unit.
    limits: Limits | None = None


def _kibibytes(text: str) -> str:
    return str(max(1, int(text) // 1024))


def _none_is_zero(text: str) -> str:
    """Java's -1 (the system's default, no end) is librdkafka's 0."""
    return "0" if int(text) < 0 else text


def _zero_is_endless(text: str) -> str:
    return text if int(text) else str(_INT_MAX)


def _lower(text: str) -> str:
    return text.strip().lower()


def _upper(text: str) -> str:
    return text.strip().upper()


_ASSIGNORS = {
    "rangeassignor": "range",
    "range": "range",
    "roundrobinassignor": "roundrobin",
    "roundrobin": "roundrobin",
    "cooperativestickyassignor": "cooperative-sticky",
    "cooperative-sticky": "cooperative-sticky",
}


def _assignors(text: str) -> str:
    """Java's classes → librdkafka's names. A list with an eager assignor is eager in Java: the others are left out."""
    names = [part.strip().rsplit(".", 1)[-1].lower() for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name not in _ASSIGNORS]
    if unknown or not names:
        raise ValueError("only range, roundrobin and cooperative-sticky are there (and their Java class names)")
    found = list(dict.fromkeys(_ASSIGNORS[name] for name in names))
    eager = [name for name in found if name != "cooperative-sticky"]
    return ",".join(eager or found)


def _same(clients: Client, *names: str) -> dict[str, Passed]:
    return {name: Passed(name, clients) for name in names}


def _limited(clients: Client, **limits: Limits) -> dict[str, Passed]:
    """Numbers of the same name on both sides, with `_` for `.`."""
    names = {name.replace("_", "."): limit for name, limit in limits.items()}
    return {name: Passed(name, clients, limits=limit) for name, limit in names.items()}


#: Nothing of a partition is committed while one of its reports has no answer: the answer comes within a minute, and a
#: report that was not written by then is produced again.
_MESSAGE_TIMEOUT = Passed(
    "message.timeout.ms",
    Client.PRODUCER,
    _zero_is_endless,
    Limits(0, 59_999, "a report that is not written by then is produced again, and nothing is lost by it"),
)
_BUFFER = Limits(0, 100_000_000)
_RECONNECT = Limits(0, 3_600_000)
_RETRY = Limits(1, 300_000)
_SESSION = Limits(1, 3_600_000)

#: Java calls the time for one request by one name, librdkafka by two.
REQUEST_TIMEOUT = "request.timeout.ms"
PRODUCER_REQUEST_TIMEOUT = Passed(REQUEST_TIMEOUT, Client.PRODUCER, limits=Limits(1, 900_000))
OTHER_REQUEST_TIMEOUT = Passed("socket.timeout.ms", Client.CONSUMER | Client.ADMIN, limits=Limits(10, 300_000))

#: The part of a client's properties that says how to reach and trust a cluster. (Stores and JAAS: `security`.)
SECURITY: dict[str, Passed] = {
    "security.protocol": Passed("security.protocol", convert=_upper),
    "sasl.mechanism": Passed("sasl.mechanism", convert=_upper),
    "sasl.mechanisms": Passed("sasl.mechanism", convert=_upper),
    "ssl.endpoint.identification.algorithm": Passed(
        "ssl.endpoint.identification.algorithm", convert=lambda text: _lower(text) or "none"
    ),
    "sasl.oauthbearer.token.endpoint.url": Passed("sasl.oauthbearer.token.endpoint.url"),
    "sasl.oauthbearer.client.credentials.client.id": Passed("sasl.oauthbearer.client.id"),
    "sasl.oauthbearer.client.credentials.client.secret": Passed("sasl.oauthbearer.client.secret"),
    "sasl.oauthbearer.method": Passed("sasl.oauthbearer.method", convert=_lower),
    **_same(
        Client.ALL,
        "sasl.username",
        "sasl.password",
        "sasl.oauthbearer.client.id",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.scope",
        "sasl.oauthbearer.extensions",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.key.location",
        "ssl.key.pem",
        "ssl.key.password",
        "ssl.crl.location",
        "ssl.curves.list",
        "ssl.sigalgs.list",
        "enable.ssl.certificate.verification",
    ),
}

PASSED: dict[str, Passed] = {
    **SECURITY,
    # Java's name differs from librdkafka's.
    # Java's 0, at every opportunity, waits for its back-off; librdkafka's is never.
    "metadata.max.age.ms": Passed("topic.metadata.refresh.interval.ms", limits=Limits(100, 3_600_000)),
    "send.buffer.bytes": Passed("socket.send.buffer.bytes", convert=_none_is_zero, limits=_BUFFER),
    "receive.buffer.bytes": Passed("socket.receive.buffer.bytes", convert=_none_is_zero, limits=_BUFFER),
    "connections.max.idle.ms": Passed("connections.max.idle.ms", convert=_none_is_zero, limits=Limits(0, _INT_MAX)),
    "fetch.max.wait.ms": Passed("fetch.wait.max.ms", Client.FETCHER, limits=Limits(0, 300_000)),
    "partition.assignment.strategy": Passed("partition.assignment.strategy", Client.COORDINATOR, _assignors),
    "group.protocol": Passed("group.protocol", Client.COORDINATOR, _lower),
    "isolation.level": Passed("isolation.level", Client.FETCHER, _lower),
    "delivery.timeout.ms": _MESSAGE_TIMEOUT,
    "message.timeout.ms": _MESSAGE_TIMEOUT,
    "max.request.size": Passed("message.max.bytes", Client.PRODUCER, limits=Limits(1000, 1_000_000_000)),
    "buffer.memory": Passed("queue.buffering.max.kbytes", Client.PRODUCER, _kibibytes, Limits(1, _INT_MAX)),
    "compression.type": Passed("compression.type", Client.PRODUCER, _lower),
    # The same name on both sides, or librdkafka's alone.
    **_same(
        Client.ALL,
        "broker.address.family",
        "client.dns.lookup",
        "client.id",
        "metadata.recovery.strategy",
        "socket.keepalive.enable",
        "socket.timeout.ms",
        "topic.metadata.refresh.interval.ms",
    ),
    **_same(Client.CONSUMER, "client.rack"),
    **_same(
        Client.COORDINATOR,
        "group.instance.id",
        "group.remote.assignor",
    ),
    **_same(
        Client.FETCHER,
        "check.crcs",
        "fetch.error.backoff.ms",
        "fetch.message.max.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "queued.max.messages.kbytes",
        "queued.min.messages",
    ),
    **_same(
        Client.PRODUCER,
        "compression.level",
        "message.max.bytes",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
    ),
    **_limited(
        Client.ALL,
        reconnect_backoff_max_ms=_RECONNECT,
        reconnect_backoff_ms=_RECONNECT,
        retry_backoff_max_ms=_RETRY,
        retry_backoff_ms=_RETRY,
        socket_connection_setup_timeout_ms=Limits(1000, _INT_MAX),
    ),
    **_limited(
        Client.COORDINATOR,
        heartbeat_interval_ms=_SESSION,
        max_poll_interval_ms=Limits(1, 86_400_000),
        session_timeout_ms=_SESSION,
    ),
    **_limited(
        Client.FETCHER,
        # librdkafka takes 0 where `message.max.bytes` is no larger, whose least is 1000.
        fetch_max_bytes=Limits(1000, _INT_MAX - 512),
        fetch_min_bytes=Limits(1, 100_000_000),
        max_partition_fetch_bytes=Limits(1, 1_000_000_000),
    ),
    **_limited(
        Client.PRODUCER,
        batch_size=Limits(1, _INT_MAX),
        linger_ms=Limits(0, 29_999, "a report is sent well within its `message.timeout.ms`"),
        max_in_flight_requests_per_connection=Limits(1, 5, "an idempotent producer takes no more"),
        retries=Limits(1, _INT_MAX, "an idempotent producer tries again"),
    ),
}
