"""Failed records where several batches of a partition are in flight: those that nothing waits for are set apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from kafka_lambda_sink.contracts.replies.verdicts import Result, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import InvocationAborted
from kafka_lambda_sink.core.outcome import BatchFailure
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import SourceRecord, next_offset
from kafka_lambda_sink.pipeline.judgement import Judge
from kafka_lambda_sink.pipeline.recovery import Outcomes, Part, Recovery

#: What a record keeps its order by among those that were sent with it; None: it has none.
KeyOf: TypeAlias = Callable[[SourceRecord], bytes | None]


def by_key(record: SourceRecord) -> bytes | None:
    """Records of one key, of one tenant as all that are sent together."""
    return record.key()


def no_key(_: SourceRecord) -> bytes | None:
    """No record waits for another."""
    return None


class Settling:
    """Passes outcomes on to a judge, and tells which records have theirs."""

    def __init__(
        self, judge: Judge, part_of: Callable[[Batch, Sequence[int]], Batch], settled: Callable[[Batch], None]
    ) -> None:
        self._judge = judge
        self._part_of = part_of
        self._settled = settled

    def delivered(self, batch: Batch, results: Sequence[Result]) -> None:
        """As `Judge.delivered`."""
        self._judge.delivered(batch, results)
        self._settled(batch)

    def failed(self, batch: Batch, failure: BatchFailure, attempts: int) -> None:
        """As `Judge.failed`: an error record tells of a range of offsets, in which there must be no other record."""
        for run in _runs(batch):
            part = batch if len(run) == batch.count else self._part_of(batch, run)
            self._judge.failed(part, failure, attempts)
            self._settled(part)


class OutOfOrderRecovery(Recovery):
    """A `Recovery` that waits for nothing itself: what is to be sent later is parked, each key by itself."""

    def __init__(self, *, key_of: KeyOf, **others: Any) -> None:
        """`others` as for `Recovery`."""
        super().__init__(**others)
        self._key_of = key_of

    def work(
        self, parts: Sequence[Part], settled: Callable[[Batch], None], park: Callable[[Sequence[Part]], None]
    ) -> None:
        """Send parts in their order until each record has its outcome, which `settled` is told, or is parked. Blocks.

        `park` takes parts whose turn comes together, in their order, when the wait of the first is over.
        Raises what stops the partition, and InvocationAborted when its epoch ended in the middle.
        """
        outcomes = Settling(self._judge, self._assembler.part, settled)
        pending = [*parts]
        while pending:
            if pending[0].wait:
                parked, pending = self._set_aside(pending)
                for chain in parked:
                    park(chain)
                continue
            part, *others = pending
            pending = [*self._step(part, outcomes), *others]
            if pending and not self._progress.is_open:
                raise InvocationAborted

    def _after_wait(self, parts: Sequence[Part], failure: BatchFailure) -> Sequence[Part]:
        wait = self._announced_wait(parts[0], failure)
        return [replace(part, wait=wait) if part.given_up is None else part for part in parts]

    def _set_aside(self, parts: Sequence[Part]) -> tuple[Sequence[Sequence[Part]], list[Part]]:
        """Those that wait, key by key, each with what comes behind it of the same key; and the others without these."""
        chains: list[list[Part]] = []
        of_key: dict[bytes, list[Part]] = {}
        left = []
        for part in parts:
            rest: list[int] = []
            for key, indexes in self._groups(part.batch).items():
                if key is not None and key in of_key:
                    of_key[key].append(replace(part, batch=self._part(part.batch, indexes), wait=0.0))
                elif part.wait:
                    chain = [replace(part, batch=self._part(part.batch, indexes))]
                    chains.append(chain)
                    if key is not None:
                        of_key[key] = chain
                else:
                    rest += indexes
            if rest:
                left.append(replace(part, batch=self._part(part.batch, sorted(rest))))
        return chains, left

    def _failed_from(self, part: Part, verdicts: Verdicts, reply: InvokeReply, outcomes: Outcomes) -> Sequence[Part]:
        again: list[Part] = []
        for group in self._groups(part.batch).values():
            failed = {place: verdicts.failed[index] for place, index in enumerate(group) if index in verdicts.failed}
            own = Verdicts([verdicts.results[index] for index in group], failed)
            batch = self._part(part.batch, group)
            if failed:
                again += super()._failed_from(replace(part, batch=batch), own, reply, outcomes)
            else:
                outcomes.delivered(batch, own.results)
        return again

    def _failed_alone(self, part: Part, verdicts: Verdicts, reply: InvokeReply, outcomes: Outcomes) -> Sequence[Part]:
        return self._resent_alone(part, verdicts, reply, outcomes)

    def _groups(self, batch: Batch) -> dict[bytes | None, list[int]]:
        """Indexes of the records of each key, in order."""
        groups: dict[bytes | None, list[int]] = {}
        for index, record in enumerate(batch.records):
            groups.setdefault(self._key_of(record), []).append(index)
        return groups

    def _part(self, batch: Batch, indexes: Sequence[int]) -> Batch:
        return batch if len(indexes) == batch.count else self._assembler.part(batch, indexes)


def _runs(batch: Batch) -> Sequence[Sequence[int]]:
    """Indexes of records with neighbouring offsets."""
    runs: list[list[int]] = []
    behind = -1
    for index, record in enumerate(batch.records):
        if runs and record.offset() == behind:
            runs[-1].append(index)
        else:
            runs.append([index])
        behind = next_offset(record)
    return runs
