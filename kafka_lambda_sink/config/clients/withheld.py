"""The client properties that are known and reach no client: ignored with a reason, or refused by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """A property that stops the start, unless its value is what we do anyway."""

    reason: str
    #: Values (lower case) that are accepted and listed as ignored.
    harmless: frozenset[str] = frozenset()


_JAVA = "a setting of the Java client that librdkafka has no counterpart of"
_SERIALIZER = "the sink writes and reads bytes; keys and values are converted by its own converters"
_TLS = "the TLS versions and algorithms of OpenSSL are in force (TLS 1.2 and 1.3)"
_TOKEN_REFRESH = "librdkafka refreshes tokens on its own schedule"  # noqa: S105 - no password

#: Properties without effect here, each with the reason.
IGNORED: dict[str, str] = {
    **dict.fromkeys(
        ("key.serializer", "value.serializer", "key.deserializer", "value.deserializer"),
        _SERIALIZER,
    ),
    **dict.fromkeys(
        (
            "auto.include.jmx.reporter",
            "client.telemetry.enable",
            "compression.gzip.level",
            "compression.lz4.level",
            "compression.zstd.level",
            "default.api.timeout.ms",
            "enable.metrics.push",
            "exclude.internal.topics",
            "max.block.ms",
            "metadata.max.idle.ms",
            "metadata.recovery.rebootstrap.trigger.ms",
            "metric.reporters",
            "metrics.num.samples",
            "metrics.recording.level",
            "metrics.sample.window.ms",
            "partitioner.adaptive.partitioning.enable",
            "partitioner.availability.timeout.ms",
            "partitioner.ignore.keys",
            "socket.connection.setup.timeout.max.ms",
        ),
        _JAVA,
    ),
    "max.poll.records": "a batch is cut by aws.lambda.batch.size",
    "allow.auto.create.topics": "the sink never creates source topics",
    "auto.commit.interval.ms": "the sink commits when records are acknowledged",
    **dict.fromkeys(
        (
            "ssl.enabled.protocols",
            "ssl.keymanager.algorithm",
            "ssl.protocol",
            "ssl.provider",
            "ssl.secure.random.implementation",
            "ssl.trustmanager.algorithm",
        ),
        _TLS,
    ),
    **dict.fromkeys(
        (
            "sasl.login.connect.timeout.ms",
            "sasl.login.read.timeout.ms",
            "sasl.login.refresh.buffer.seconds",
            "sasl.login.refresh.min.period.seconds",
            "sasl.login.refresh.window.factor",
            "sasl.login.refresh.window.jitter",
            "sasl.login.retry.backoff.max.ms",
            "sasl.login.retry.backoff.ms",
            "sasl.oauthbearer.clock.skew.seconds",
            "sasl.oauthbearer.scope.claim.name",
            "sasl.oauthbearer.sub.claim.name",
        ),
        _TOKEN_REFRESH,
    ),
    **dict.fromkeys(
        (
            "sasl.kerberos.min.time.before.relogin",
            "sasl.kerberos.service.name",
            "sasl.kerberos.ticket.renew.jitter",
            "sasl.kerberos.ticket.renew.window.factor",
        ),
        "Kerberos (GSSAPI) is not built yet, and no client uses it",
    ),
}

_CODE = "it loads code or runs a command"
_OURS = "the sink's guarantee rests on its own value"
_READS = "it reads a file or an address for keys of a server; a client needs none"

#: Properties that are refused by name.
REFUSED: dict[str, Refused] = {
    **dict.fromkeys(
        (
            "plugin.library.paths",
            "sasl.client.callback.handler.class",
            "sasl.kerberos.kinit.cmd",
            "sasl.login.class",
            "sasl.login.callback.handler.class",
            "security.providers",
            "ssl.engine.factory.class",
            "ssl.engine.id",
            "ssl.engine.location",
            "ssl.providers",
        ),
        Refused(_CODE),
    ),
    "interceptor.classes": Refused(
        _CODE + ", and what it would do to records is not done here",
        frozenset(
            (
                "",
                "io.confluent.monitoring.clients.interceptor.monitoringconsumerinterceptor",
                "io.confluent.monitoring.clients.interceptor.monitoringproducerinterceptor",
            )
        ),
    ),
    "acks": Refused(_OURS + " (all)", frozenset(("all", "-1"))),
    "request.required.acks": Refused(_OURS + " (all)", frozenset(("all", "-1"))),
    "enable.idempotence": Refused(_OURS + " (true)", frozenset(("true",))),
    "enable.auto.commit": Refused(_OURS + " (false)", frozenset(("false",))),
    "enable.auto.offset.store": Refused(_OURS + " (false)", frozenset(("false",))),
    "enable.partition.eof": Refused(_OURS),
    "partitioner": Refused(_OURS + " (murmur2_random, which is Java's)", frozenset(("murmur2_random",))),
    "partitioner.class": Refused(
        "keys are hashed as Java's default partitioner does; another one cannot be loaded",
        frozenset(("org.apache.kafka.clients.producer.internals.defaultpartitioner",)),
    ),
    "transactional.id": Refused("reports are not written in transactions"),
    "transaction.timeout.ms": Refused("reports are not written in transactions"),
    "debug": Refused("it writes data and settings to the log"),
    "sasl.oauthbearer.jwks.endpoint.url": Refused(_READS),
    "sasl.oauthbearer.expected.audience": Refused(_READS),
    "enable.sasl.oauthbearer.unsecure.jwt": Refused("unsecured tokens authenticate nobody", frozenset(("false",))),
    "ssl.cipher.suites": Refused(
        "Java and OpenSSL name suites differently and a list cannot be translated without weakening it; remove the key "
        "and restrict the suites at the broker"
    ),
}
