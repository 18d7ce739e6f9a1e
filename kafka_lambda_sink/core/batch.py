"""The records of one invocation, encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_lambda_sink.core.errors import RecordError, RecordTooLargeError
from kafka_lambda_sink.core.record import SourceRecord, next_offset


@dataclass(slots=True)
class Batch:
    """Records of one partition in offset order, at least one, and the payload that carries exactly them."""

    #: What is sent to the function.
    payload: bytes
    records: Sequence[SourceRecord]
    #: What each record is in the payload, pairwise: whoever made the batch can make smaller ones of it.
    entries: Sequence[object]
    #: Whose records they all are; None where the function keeps no tenants apart.
    tenant: str | None = None

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset()

    @property
    def next_offset(self) -> int:
        """The offset to commit once the whole batch has its outcome; `endOffset` of an error record."""
        return next_offset(self.records[-1])

    @property
    def leader_epoch(self) -> int | None:
        """Leader epoch of the last record, passed on with the commit."""
        return self.records[-1].leader_epoch()

    @property
    def count(self) -> int:
        """How many records it has."""
        return len(self.records)


@dataclass(slots=True)
class FailedRecord:
    """A record that is in no batch, because it cannot be converted or is too large to be sent even alone."""

    record: SourceRecord
    error: RecordError | RecordTooLargeError

    @property
    def first_offset(self) -> int:
        """Its offset."""
        return self.record.offset()

    @property
    def next_offset(self) -> int:
        """The offset to commit once it has its outcome."""
        return next_offset(self.record)

    @property
    def leader_epoch(self) -> int | None:
        """Leader epoch of the record, passed on with the commit."""
        return self.record.leader_epoch()

    @property
    def count(self) -> int:
        """One, as `Batch.count` counts."""
        return 1


@dataclass(slots=True)
class DroppedRecords:
    """Records that nobody wants, which count as delivered."""

    count: int
    #: The last of them, where they stand behind all that was made of others; None where those cover them.
    last: SourceRecord | None
