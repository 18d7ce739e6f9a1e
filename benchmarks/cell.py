"""What is measured: cells, and what a run of one gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The sink; Benthos; a loop by hand with boto3; the same with http.client and no signature, the least Python can do.
Peer = Literal["sink", "benthos", "loop", "unsigned"]
PEERS: tuple[Peer, ...] = ("sink", "benthos", "loop", "unsigned")


@dataclass(frozen=True, slots=True)
class Source:
    """A topic to read."""

    partitions: int
    #: Of a value.
    bytes: int = 200
    #: Distinct keys, drawn at random; 0: every record has one of its own.
    keys: int = 0

    @property
    def topic(self) -> str:
        """Its name."""
        return f"bench-{self.partitions}p-{self.bytes}b-{self.keys}k"


@dataclass(frozen=True, slots=True)
class Cell:
    """The conditions of a run."""

    batch: int
    latency_ms: float
    partitions: int
    #: The sink has a response topic, and the replies are what its contract asks for.
    has_results: bool
    bytes: int = 200
    keys: int = 0
    #: Replies answer every record with its coordinates; otherwise they are `[]`.
    has_echo: bool = False
    #: The one core that the peer may use; None: all.
    core: int | None = None
    #: More lines of the sink's configuration.
    extra: str = ""

    @property
    def is_in_order(self) -> bool:
        """Whether what is committed is all that was answered: otherwise some of it is beyond the committed offset."""
        return "aws.lambda.ordering" not in self.extra

    @property
    def source(self) -> Source:
        """What it reads."""
        return Source(self.partitions, self.bytes, self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one peer did in one cell. CPU is user and system seconds of its processes, native threads included."""

    #: Records that were answered, and whose results are in their topic where the cell has one.
    records: int
    invocations: int
    #: Seconds from the first invocation to the last of those records.
    seconds: float
    cpu_seconds: float
    records_per_second: float
    cpu_per_100k: float
    #: Of values, for each CPU second.
    mb_per_cpu_second: float
    #: Seconds from the start of the process to its first invocation, and the CPU seconds in them.
    start_seconds: float
    start_cpu_seconds: float
    peak_mb: float
    threads: int
    endpoint_cpu_seconds: float
    #: Answered in all, and committed when a sink had been stopped by SIGTERM; they must be equal. 0 of the others.
    answered: int = 0
    committed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What a sink takes that has delivered everything and waits for more."""

    start_seconds: float
    resident_mb: float
    peak_mb: float
    threads: int
    idle_cpu_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Milliseconds from a record's timestamp to the arrival of the request that has it."""

    #: Of a run that works off a backlog, and what was produced while delays were noted.
    full_records_per_second: float
    offered_records_per_second: float
    records: int
    invocations: int
    p50: float
    p90: float
    p99: float
    p999: float
    most: float
    #: CPU seconds a second of the sink, the producer apart.
    cpu_cores: float
