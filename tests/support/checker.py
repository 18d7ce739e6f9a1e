"""The invariants of a run (I1 to I13), checked from outside: what was lost, early, late, twice or altered.

    report = check(observation, Expectation(batch_size=10, interruptions=[Interruption(began, ended)]))
    assert not report.violations

I12 (progress, memory) and I14 (exit code) belong to the process and are asserted by whoever runs it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kafka_lambda_sink.core.record import TopicPartition
from tests.support import content_invariants, delivery_invariants
from tests.support.observation import Observation
from tests.support.violation import Violation

#: The sync limit of a batch, in bytes of the request's body.
_SYNC_BYTES = 6_000_000


@dataclass(frozen=True, slots=True)
class Interruption:
    """A kill, a stop or a loss: what was not yet committed then may be delivered again. Milliseconds since the epoch.

    Outcomes between `began - window` and `ended` may repeat, and a call in flight at any time of it may overlap.
    """

    began: int
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What was configured, and what the scenario excuses."""

    batch_size: int = 20
    batch_bytes: int = _SYNC_BYTES
    behavior_on_error: Literal["fail", "log", "ignore"] = "fail"
    #: How the connector's converters show bytes in a request.
    key: Callable[[bytes], Any] = bytes.decode
    value: Callable[[bytes], Any] = json.loads
    interruptions: Sequence[Interruption] = ()
    #: Milliseconds of outcomes that an interruption may repeat: the commit interval, and a sluggish machine.
    window: int = 3000
    #: Partitions that stopped, with the first offset of the batch that failed.
    stopped: Mapping[TopicPartition, int] = field(default_factory=dict)
    #: Partitions whose committed offset may go back: a topic created again, an offset out of range, an operator.
    rewound: Collection[TopicPartition] = ()
    #: Partitions with the first offset that counts: what is below was passed over, as configured.
    begin: Mapping[TopicPartition, int] = field(default_factory=dict)
    #: Whether everything is delivered by now (I3).
    is_complete: bool = True
    secrets: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of one run, and what was wrong with it."""

    records: int
    lost: int
    #: Deliveries beyond the first of a record, excused or not.
    duplicated: int
    out_of_order: int
    #: Milliseconds from the end of the last interruption to the first success after it, or None.
    recovered_after: int | None
    violations: list[Violation]

    def __str__(self) -> str:
        """The counts, then the first violations, a line each."""
        counts = (
            f"{self.records} records, {self.lost} lost, {self.duplicated} duplicated, {self.out_of_order} out of order"
        )
        return "\n".join([counts, *(str(violation) for violation in self.violations[:20])])


def check(run: Observation, expect: Expectation) -> Report:
    """Hold a run against the invariants."""
    outcomes = delivery_invariants.Outcomes(run, expect)
    lost = delivery_invariants.lost(outcomes) if expect.is_complete else []
    order = delivery_invariants.order(outcomes)
    violations = [
        *delivery_invariants.early_commits(outcomes),
        *lost,
        *order,
        *delivery_invariants.overlaps(outcomes),
        *delivery_invariants.stopped(outcomes),
        *delivery_invariants.rewinds(outcomes),
        *delivery_invariants.repeats(outcomes),
        *content_invariants.bodies(run, expect),
        *content_invariants.results(run, expect),
        *content_invariants.errors(run),
        *content_invariants.secrets(run, expect),
    ]
    return Report(
        records=sum(len(records) for records in run.visible.values()),
        lost=len([violation for violation in lost if violation.offset is not None]),
        duplicated=sum(len(calls) - 1 for calls in outcomes.deliveries.values()),
        out_of_order=len(order),
        recovered_after=_recovery(outcomes),
        violations=violations,
    )


def _recovery(outcomes: delivery_invariants.Outcomes) -> int | None:
    if not outcomes.expect.interruptions:
        return None
    ended = max(interruption.ended for interruption in outcomes.expect.interruptions)
    after = [known for known in outcomes.known.values() if known >= ended]
    return min(after) - ended if after else None
