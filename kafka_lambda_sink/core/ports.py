"""The ports: what the pipeline asks of Kafka, of Lambda and of time. Shells implement them; tests fake them.

Each method says whether it blocks and on which thread it may be called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kafka_lambda_sink.core.record import SourceRecord, TopicPartition


@dataclass(slots=True)
class InvokeReply:
    """What the Invoke API answered with a 2xx status: 200 (sync), 202 (async) or 204 (DryRun).

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """

    #: HTTP status.
    status: int
    #: The function's reply, raw; empty for 202 and 204.
    payload: bytes
    #: `Handled` or `Unhandled` when the function failed, else None.
    function_error: str | None = None
    #: Version that ran, e.g. `$LATEST` or `7`.
    executed_version: str | None = None
    #: Base64 of the last 4 KB of the function's log, only when the tail was asked for.
    log_result: str | None = None
    #: Lambda's request id.
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What goes beside the payload of one invocation, each in a header of its own; None is not sent.

    Whoever makes one keeps to the rules of the service model: nothing checks them again before they are sent.
    """

    #: JSON, at most 2,685 bytes, which are 3,580 of the 3,583 allowed in base64. Synchronous invocations only.
    client_context: bytes | None = None
    #: 1 to 256 of `a-zA-Z0-9._:/=+-@ `.
    tenant_id: str | None = None
    #: In X-Ray's form: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
    trace_header: str | None = None
    #: 1 to 64 of `a-zA-Z0-9-_`.
    durable_name: str | None = None


class Invoker(Protocol):
    """Invokes one function. One instance belongs to one thread; only `halt` and `abort` may be called from another."""

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:
        """Send `payload` once and wait for the reply. Blocks up to the read timeout. Makes no retry of its own.

        Raises TransientInvocationError, ExpiredCredentialsError, ConfigurationInvocationError, PayloadInvocationError,
        or InvocationAborted after `abort`. A function error is a reply, not an exception.
        """

    def halt(self) -> None:
        """Wait for no turn any more, from any thread: InvocationAborted instead. A call in flight goes on."""

    def abort(self) -> None:
        """End a call in flight at once, from any thread, and make every later call raise InvocationAborted."""

    def close(self) -> None:
        """Close the connection. Does not block."""


class FunctionControl(Protocol):
    """The control path to the function: asked at start and by `check`, never a batch."""

    def dry_run(self) -> None:
        """Ask whether we may invoke the function (DryRun, empty payload). Blocks; raises as `Invoker.invoke`."""

    def timeout(self) -> float | None:
        """The function's own timeout in seconds, or None where we may not ask. Blocks."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a partition's log."""

    #: Offset of the next record.
    offset: int
    #: Epoch of the leader that the offset was read under, or None if unknown.
    leader_epoch: int | None = None
    #: What the function wants to be told with the records from here on: the JSON text of an object, or None for `{}`.
    state: bytes | None = None
    #: Finished records behind it, as half-open intervals of offsets.
    done: tuple[tuple[int, int], ...] = ()
    #: Epoch of the leader that all of `done` was read under; None if unknown. A record of another epoch at one of these
    #: offsets is another record: the log was cut, and written anew.
    done_epoch: int | None = None


class FetcherRetired(Exception):
    """This fetcher reads no more: another one is to be opened, at its position."""


class Fetcher(Protocol):
    """Reads one partition by manual assignment; is no member of the group and never commits.

    One instance belongs to one thread, but for `interrupt`. All methods may raise RetriableKafkaError,
    KafkaAuthorizationError, UnknownTopicError and FatalKafkaError.
    """

    def assign(self, start: Position) -> None:
        """Read from `start` on. Does not block. May be called again: what was fetched before is dropped.

        With a leader epoch, the broker is asked first whether its log still has what was read before `start` (KIP-320);
        if it has not, `fetch` raises OffsetOutOfRangeError.
        """

    def fetch(self, max_records: int, idle: float, window: float) -> Sequence[SourceRecord]:
        """Up to `max_records` in offset order, fewer when they are large: some 8 MB are held, not a window's worth.

        Blocks up to `idle` seconds for the first and then up to `window` seconds for the rest (0: takes what is there);
        empty when none came.
        Raises OffsetOutOfRangeError when the position is not in the log, FetcherRetired when another fetcher is to take
        its place. What is raised never takes records with it.
        """

    def interrupt(self) -> None:
        """Wait for no window any more: a fetch under way ends within half a second. Any thread. Does not block."""

    def position(self) -> Position | None:
        """Where the next fetch starts once all that was fetched is taken, transaction markers passed over.

        None before the first record or end of the partition was seen. Does not block.
        """

    def earliest(self) -> int:
        """First offset in the log. Blocks on the broker up to the socket timeout."""

    def latest(self) -> int:
        """Offset after the last record that the isolation level lets us see. Blocks on the broker."""

    def close(self) -> None:
        """Close the client. Blocks briefly."""


@dataclass(frozen=True, slots=True)
class CommitOffset:
    """One partition's part of a commit."""

    tp: TopicPartition
    #: Next offset to read.
    offset: int
    leader_epoch: int | None
    #: Our commit metadata (topic id), see `core.commit_metadata`.
    metadata: str


@dataclass(frozen=True, slots=True)
class Committed:
    """What the group has committed for a partition. `offset` is None when nothing is."""

    tp: TopicPartition
    offset: int | None
    metadata: str
    #: Epoch of the leader that the last record before `offset` was read under; None when nobody wrote it down.
    leader_epoch: int | None = None


class RebalanceListener(Protocol):
    """Called on the thread that polls the group member, from inside `GroupMember.poll`. Must not raise."""

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """These are ours from now on, in addition to those we have."""

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """These will be given away when this returns: drain, commit, close. May block within the drain bound."""

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """These are somebody else's already: abandon, commit nothing."""


class GroupMember(Protocol):
    """The member of the consumer group. Gets no records: every assigned partition is paused. One thread owns it."""

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """Join the group, or change the list of topics. Does not block."""

    def poll(self, timeout: float) -> None:
        """Serve rebalances and commit callbacks. Blocks up to `timeout` seconds and as long as the listener does.

        Raises FatalKafkaError (fenced), KafkaAuthorizationError; transient errors are logged by the shell.
        """

    def committed(self, partitions: Sequence[TopicPartition], timeout: float) -> list[Committed]:
        """Ask the group's committed offsets. Blocks. Raises RetriableKafkaError: a failed look-up is never "absent"."""

    def commit(self, offsets: Sequence[CommitOffset], done: Callable[[dict[TopicPartition, str | None]], None]) -> None:
        """Commit without blocking; `done` gets each partition's error code or None, later, from `poll`.

        May raise RetriableKafkaError at once.
        """

    def commit_sync(self, offsets: Sequence[CommitOffset], timeout: float) -> dict[TopicPartition, str | None]:
        """Commit and wait up to `timeout` seconds: each partition's error code or None.

        May be called from a rebalance callback; there the client's own bound holds instead, a minute.
        """

    def close(self, timeout: float) -> None:
        """Leave the group; calls the listener's `on_revoked` for what is left. Blocks up to `timeout` seconds."""


#: (error, key, value) of a report that was written (error None) or not. Runs on the producer's polling thread.
DeliveryCallback = Callable[["DeliveryFailure | None"], None]


@dataclass(slots=True)
class Report:
    """A record for the response, error or dead letter topic. Not frozen: one is built a result, at half the price."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """A report that was not written, with what is needed to write it again."""

    report: Report
    #: TransientReportError or PermanentReportError, with `code` in its message.
    error: Exception
    #: The broker or client found it larger than allowed: cut it and try again.
    is_too_large: bool = False
    #: The broker refused its record batch, in which another record may be at fault.
    may_be_another: bool = False
    #: The producer instance is unusable: a new one must be built before anything is produced again.
    is_fatal: bool = False


class ReportProducer(Protocol):
    """Writes reports to one cluster. Thread-safe."""

    def produce(self, report: Report, done: DeliveryCallback) -> None:
        """Queue one report. Blocks while the queue is full.

        `done` is called once, on the polling thread, and must not raise.

        What is refused at once (too large, fatal) is passed to `done` as well, on the calling thread.
        """

    def poll(self, timeout: float) -> None:
        """Serve delivery callbacks for up to `timeout` seconds."""

    def close(self, timeout: float) -> int:
        """Flush for up to `timeout` seconds, close; how many reports had no delivery report."""


@dataclass(frozen=True, slots=True)
class TopicSnapshot:
    """What the cluster said of one topic."""

    #: Uuid text; it changes when a topic is deleted and created again under the same name. None where unknown.
    topic_id: str | None
    partitions: int


class TopicCatalog(Protocol):
    """Asks the cluster about topics. Thread-safe. Every method blocks up to the request timeout."""

    def cluster_id(self) -> str | None:
        """Which cluster it is, by whatever addresses; None where it does not say. Raises as `names`."""

    def names(self) -> list[str]:
        """Names of all topics that we may describe. Raises RetriableKafkaError, KafkaAuthorizationError."""

    def describe(self, topics: Sequence[str]) -> dict[str, TopicSnapshot]:
        """Those of `topics` that exist. Raises RetriableKafkaError, KafkaAuthorizationError."""

    def create(self, topic: str, partitions: int, replication_factor: int, config: dict[str, str]) -> None:
        """Create a topic; one that exists already is fine. Raises as above."""

    def close(self) -> None:
        """Close the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredValue:
    """A value on its way to the store, or in it."""

    #: Its name in the store.
    key: str
    body: bytes
    #: Media type of `body`.
    content_type: str


class ClaimStore(Protocol):
    """Takes values that are too large for an invocation. One instance belongs to one thread, but for `abort`."""

    def put(self, value: StoredValue) -> None:
        """Store the value, in the place of one that has its key. Blocks within a bound. Makes no retry of its own.

        Raises ClaimStoreError, ClaimStoreRefusedError, or InvocationAborted after `abort`.
        """

    def abort(self) -> None:
        """Leave a `put` under way behind, from any thread, and make every later one raise InvocationAborted."""


class Clock(Protocol):
    """Time, injected."""

    def monotonic(self) -> float:
        """Seconds that never go backwards; goes on while the process is stopped."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema as the registry holds it."""

    schema_id: int
    #: `AVRO`, `JSON` or `PROTOBUF`.
    kind: str
    text: str
    #: What it refers to, by the name it is referred to with, each before what refers to it.
    references: tuple[tuple[str, str], ...] = ()


class SchemaRegistry(Protocol):
    """Looks schemas up. Thread-safe; keeps what it found, and for a while what it did not find."""

    def schema(self, schema_id: int) -> RegisteredSchema | None:
        """The schema of an id, None when the registry knows none. Blocks on a first time up to the request timeout.

        Raises SchemaRegistryError when it could not be asked or refused us; not for a while after that without asking.
        """

    def close(self) -> None:
        """Close its connections."""
