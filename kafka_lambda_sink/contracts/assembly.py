"""Cutting records into batches by number and by encoded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kafka_lambda_sink.contracts.request import RequestEncoder, join
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import RecordError, RecordTooLargeError
from kafka_lambda_sink.core.record import SourceRecord


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What a batch may have at most."""

    #: Records; at least 1.
    max_records: int
    #: Bytes of the encoded payload, brackets and commas included.
    max_bytes: int
    #: Bytes of the payload of a record that is above `max_bytes` and therefore sent alone.
    #: 6,291,456 for RequestResponse, 1,048,576 for Event (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
    single_max_bytes: int


class BatchAssembler:
    """Makes batches of the records of one partition. Pure; belongs to one thread."""

    __slots__ = ("_encoder", "_limits")

    def __init__(self, encoder: RequestEncoder, limits: BatchLimits) -> None:
        self._encoder = encoder
        self._limits = limits

    def batches(self, records: Sequence[SourceRecord]) -> Iterator[Batch | FailedRecord]:
        """Cut `records`, which are in offset order, into batches and records that failed; strictly in that order.

        Lazy: no more than `max_records` are converted before they are asked for. A record that fails ends the batch
        before it, so that whoever stops at it has everything before it delivered and nothing after it.
        """
        size = self._limits.max_records
        for start in range(0, len(records), size):
            yield from self._cut(records[start : start + size])

    def split(self, batch: Batch) -> tuple[Batch, Batch]:
        """Two halves of a batch that was refused as too large (HTTP 413). Raises ValueError for a single record."""
        middle = batch.count // 2
        if not middle:
            raise ValueError("a single record cannot be split")
        first, second = batch.records[:middle], batch.records[middle:]
        return self._batch_of(first), self._batch_of(second)

    def _batch_of(self, records: Sequence[SourceRecord]) -> Batch:
        return Batch(self._encoder.encode(self._encoder.convert(records).entries), records)

    def _cut(self, records: Sequence[SourceRecord]) -> Iterator[Batch | FailedRecord]:
        conversion = self._encoder.convert(records)
        if not conversion.failures:
            payload = self._encoder.encode(conversion.entries)
            if len(payload) <= self._limits.max_bytes:
                yield Batch(payload, records)
                return
        encoded = self._encoder.encode_each(conversion.entries)
        errors: dict[int, RecordError | RecordTooLargeError] = {
            record.offset(): error for record, error in conversion.failures
        }
        sizes = iter(encoded)
        yield from self._cut_measured(
            [(record, errors.get(record.offset()) or next(sizes)) for record in records],
        )

    def _cut_measured(
        self,
        measured: Sequence[tuple[SourceRecord, bytes | RecordError | RecordTooLargeError]],
    ) -> Iterator[Batch | FailedRecord]:
        max_bytes, single_max_bytes = self._limits.max_bytes, self._limits.single_max_bytes
        run: list[SourceRecord] = []
        encoded: list[bytes] = []
        # The opening bracket; each entry brings the comma or bracket that follows it.
        size = 1
        for record, outcome in measured:
            entry = outcome
            if isinstance(entry, bytes) and len(entry) + 2 > max(max_bytes, single_max_bytes):
                entry = _too_large(record, len(entry) + 2, max(max_bytes, single_max_bytes))
            if run and (not isinstance(entry, bytes) or size + len(entry) + 1 > max_bytes):
                yield Batch(join(encoded), run)
                run, encoded, size = [], [], 1
            if not isinstance(entry, bytes):
                yield FailedRecord(record, entry)
                continue
            run.append(record)
            encoded.append(entry)
            size += len(entry) + 1
        if run:
            yield Batch(join(encoded), run)


def _too_large(record: SourceRecord, size: int, limit: int) -> RecordTooLargeError:
    return RecordTooLargeError(
        f"record {record.topic()}-{record.partition()} offset {record.offset()} takes {size:,} bytes encoded; "
        f"a single record may take {limit:,}",
        hint="Make the record smaller, or store its content elsewhere and send a reference.",
    )
