"""The schema registry, asked through confluent-kafka's own client. Nothing is imported of it before one is opened.

Source of the interface: https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kafka_lambda_sink.core.errors import ConfigError, Problem, SchemaRegistryError
from kafka_lambda_sink.core.ports import Clock, RegisteredSchema
from kafka_lambda_sink.kafka.registry_faults import explain, is_absent
from kafka_lambda_sink.kafka.registry_tls import client_tls
from kafka_lambda_sink.telemetry.logs import get_logger

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

_log = get_logger(__name__)

#: Schemas kept; the one that came first goes first.
_MOST_SCHEMAS: Final = 1000
#: Ids kept that the registry does not know: a topic of anything but Avro may bring a new one with each record.
_MOST_UNKNOWN: Final = 10_000
#: Seconds for which an unknown id is not asked for again.
_UNKNOWN_FOR: Final = 60.0
#: Seconds without a question after a failed one; doubled with each that fails, up to the second.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """How to reach and satisfy a registry. Secrets are not in its repr."""

    #: Asked in this order, the next where one is away. Without user information.
    urls: tuple[str, ...]
    #: Where the settings stand (`value.converter.`), for hints.
    prefix: str = ""
    #: Basic authentication.
    user: str | None = None
    password: str = field(default="", repr=False)
    #: Bearer authentication with a token that does not change.
    token: str | None = field(default=None, repr=False)
    #: Headers that go with the token, of Confluent Cloud.
    logical_cluster: str = ""
    identity_pool: str | None = None
    #: In librdkafka's names: ssl.ca.pem or .location, ssl.certificate.pem or .location, ssl.key.pem or .location,
    #: ssl.key.password.
    ssl: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Seconds to connect, and for each answer.
    timeout: float = 10.0


def open_registry(settings: RegistrySettings, clock: Clock) -> ConfluentSchemaRegistry:
    """A registry by these settings. Asks nothing yet. Raises ConfigError for an address or a certificate."""
    from confluent_kafka.schema_registry import (  # noqa: PLC0415 - 0.3 s that only sinks with a registry pay
        SchemaRegistryClient,
    )

    properties: dict[str, Any] = {
        "url": ",".join(settings.urls),
        "timeout": settings.timeout,
        # Waiting is the pipeline's: it goes on serving revocations and the end of the process.
        "max.retries": 0,
    }
    if settings.user is not None:
        properties["basic.auth.user.info"] = f"{settings.user}:{settings.password}"
    if settings.token is not None:
        properties |= {
            "bearer.auth.credentials.source": "STATIC_TOKEN",
            "bearer.auth.token": settings.token,
            "bearer.auth.logical.cluster": settings.logical_cluster,
        }
        if settings.identity_pool is not None:
            properties["bearer.auth.identity.pool.id"] = settings.identity_pool
    for url in settings.urls:
        if not url.startswith(("http://", "https://")) or "@" in url:
            raise _problem(settings, "url", "is not an http:// or https:// address")
    try:
        with client_tls(settings.ssl) as files:
            client = SchemaRegistryClient(properties | files)
    except (OSError, ValueError) as error:
        # Not chained: a traceback that shows local variables would show the configuration.
        raise _problem(settings, "ssl.", f"cannot be used: {error}") from None
    return ConfluentSchemaRegistry(client, settings, clock)


def _problem(settings: RegistrySettings, key: str, message: str) -> ConfigError:
    name = f"{settings.prefix}schema.registry.{key}"
    return ConfigError([Problem(key=name, message=message, error_id="invalid-value")])


class ConfluentSchemaRegistry:
    """`core.ports.SchemaRegistry`. Thread-safe: an id is asked for by one thread while the others wait for its answer.

    After a question that failed none is asked for a while, of whatever id: the same error is raised at once.
    """

    def __init__(self, client: SchemaRegistryClient, settings: RegistrySettings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[int, RegisteredSchema] = {}
        self._unknown: dict[int, float] = {}
        self._asking: dict[int, threading.Lock] = {}
        self._pause = 0.0
        self._silent_until = 0.0
        self._failure: SchemaRegistryError | None = None

    def schema(self, schema_id: int) -> RegisteredSchema | None:
        """See the port."""
        # Without the lock: one look-up of a dict is atomic, and this is every record's way.
        found = self._found.get(schema_id)
        if found is not None:
            return found
        with self._lock:
            one_at_a_time = self._asking.setdefault(schema_id, threading.Lock())
        try:
            with one_at_a_time:
                return self._found.get(schema_id) or self._ask(schema_id)
        finally:
            with self._lock:
                self._asking.pop(schema_id, None)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _ask(self, schema_id: int) -> RegisteredSchema | None:
        with self._lock:
            now = self._clock.monotonic()
            if self._unknown.get(schema_id, now) > now:
                return None
            if self._failure is not None and now < self._silent_until:
                raise SchemaRegistryError(str(self._failure), hint=self._failure.hint)
        try:
            answer = self._fetch(schema_id)
        except Exception as error:  # noqa: BLE001 - whatever its HTTP library raises: the registry could not be asked
            failure = explain(error, self._settings.urls, self._settings.prefix, self._settings.timeout)
        else:
            return self._keep(schema_id, answer)
        with self._lock:
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            self._silent_until = self._clock.monotonic() + self._pause
            self._failure = failure
        raise failure

    def _keep(self, schema_id: int, answer: RegisteredSchema | None) -> RegisteredSchema | None:
        with self._lock:
            self._pause = 0.0
            self._failure = None
            if answer is not None:
                self._found[schema_id] = answer
                self._unknown.pop(schema_id, None)
                if len(self._found) > _MOST_SCHEMAS:
                    del self._found[next(iter(self._found))]
                return answer
            self._unknown.pop(schema_id, None)
            self._unknown[schema_id] = self._clock.monotonic() + _UNKNOWN_FOR
            if len(self._unknown) > _MOST_UNKNOWN:
                del self._unknown[next(iter(self._unknown))]
            return None

    def _fetch(self, schema_id: int) -> RegisteredSchema | None:
        if schema_id < 0:
            return None
        references: dict[str, str] = {}
        schema = None
        try:
            schema = self._client.get_schema(schema_id)
            self._resolve(schema, references, set())
        except Exception as error:
            if not is_absent(error):
                raise
            if schema is not None:
                _log.warning("a schema refers to what the registry does not have", schema_id=schema_id)
            return None
        finally:
            # It keeps everything for ever; we keep what counts.
            self._client.clear_caches()  # type: ignore[no-untyped-call]  # the client's own, unannotated
        return RegisteredSchema(schema_id, schema.schema_type or "AVRO", _text(schema), tuple(references.items()))

    def _resolve(self, schema: Schema, done: dict[str, str], seen: set[str]) -> None:
        """Add what `schema` refers to, by name, each after what it refers to itself."""
        for reference in schema.references or ():
            if reference.name is None or reference.name in seen:
                continue
            seen.add(reference.name)
            other = self._client.get_version(reference.subject or "", reference.version or 0, deleted=True).schema
            self._resolve(other, done, seen)
            done[reference.name] = _text(other)


def _text(schema: Schema) -> str:
    if not isinstance(schema.schema_str, str):
        raise TypeError("the answer holds no schema")
    return schema.schema_str
