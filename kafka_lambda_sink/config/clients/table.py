"""The client properties that reach a client (`withheld` has those that do not).

Java's names are those of Apache Kafka 4.1 (https://kafka.apache.org/documentation/#configuration), the targets those of
librdkafka's CONFIGURATION.md. What is in neither table is unknown: nothing reaches a client because its name has the
right prefix, since librdkafka has properties that load libraries and run commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto


class Client(Flag):
    """The clients of a connector."""

    COORDINATOR = auto()
    FETCHER = auto()
    PRODUCER = auto()
    ADMIN = auto()
    CONSUMER = COORDINATOR | FETCHER
    ALL = CONSUMER | PRODUCER | ADMIN


@dataclass(frozen=True, slots=True)
class Passed:
    """A property that reaches the client."""

    #: librdkafka's name.
    target: str
    clients: Client = Client.ALL
    #: Java's text → librdkafka's. Raises ValueError.
    convert: Callable[[str], str] = str
    #: The largest number that is put in force, for librdkafka's 0 (without end) too; a larger one is cut, and told.
    most: int | None = None


def _kibibytes(text: str) -> str:
    return str(max(1, int(text) // 1024))


def _buffer(text: str) -> str:
    """Java's -1, the system's default, is librdkafka's 0."""
    return "0" if int(text) < 0 else text


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


#: Nothing of a partition is committed while one of its reports has no answer: the answer comes within a minute, and a
#: report that was not written by then is produced again.
_MESSAGE_TIMEOUT = Passed("message.timeout.ms", Client.PRODUCER, most=59_999)

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
    "metadata.max.age.ms": Passed("topic.metadata.refresh.interval.ms"),
    "send.buffer.bytes": Passed("socket.send.buffer.bytes", convert=_buffer),
    "receive.buffer.bytes": Passed("socket.receive.buffer.bytes", convert=_buffer),
    "fetch.max.wait.ms": Passed("fetch.wait.max.ms", Client.FETCHER),
    "partition.assignment.strategy": Passed("partition.assignment.strategy", Client.COORDINATOR, _assignors),
    "group.protocol": Passed("group.protocol", Client.COORDINATOR, _lower),
    "isolation.level": Passed("isolation.level", Client.FETCHER, _lower),
    "delivery.timeout.ms": _MESSAGE_TIMEOUT,
    "message.timeout.ms": _MESSAGE_TIMEOUT,
    "max.request.size": Passed("message.max.bytes", Client.PRODUCER),
    "buffer.memory": Passed("queue.buffering.max.kbytes", Client.PRODUCER, _kibibytes),
    "compression.type": Passed("compression.type", Client.PRODUCER, _lower),
    # The same name on both sides, or librdkafka's alone.
    **_same(
        Client.ALL,
        "broker.address.family",
        "client.dns.lookup",
        "client.id",
        "connections.max.idle.ms",
        "metadata.recovery.strategy",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "retry.backoff.max.ms",
        "retry.backoff.ms",
        "socket.connection.setup.timeout.ms",
        "socket.keepalive.enable",
        "socket.timeout.ms",
        "topic.metadata.refresh.interval.ms",
    ),
    **_same(Client.CONSUMER, "client.rack"),
    **_same(
        Client.COORDINATOR,
        "group.instance.id",
        "group.remote.assignor",
        "heartbeat.interval.ms",
        "max.poll.interval.ms",
        "session.timeout.ms",
    ),
    **_same(
        Client.FETCHER,
        "check.crcs",
        "fetch.error.backoff.ms",
        "fetch.max.bytes",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "max.partition.fetch.bytes",
        "queued.max.messages.kbytes",
        "queued.min.messages",
    ),
    **_same(
        Client.PRODUCER,
        "batch.size",
        "compression.level",
        "linger.ms",
        "max.in.flight.requests.per.connection",
        "message.max.bytes",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "retries",
    ),
}
