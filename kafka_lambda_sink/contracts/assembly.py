"""Cutting records into batches by number and by encoded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kafka_lambda_sink.contracts.claim_check import ClaimCheck
from kafka_lambda_sink.contracts.frame import ARRAY, Frame
from kafka_lambda_sink.contracts.request import Conversion, RecordConverter, encode
from kafka_lambda_sink.core.batch import Batch, DroppedRecords, FailedRecord
from kafka_lambda_sink.core.errors import RecordError, RecordTooLargeError
from kafka_lambda_sink.core.lanes import Item
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
    """Makes batches of the records of one partition, each of one tenant at most. Pure; belongs to one thread."""

    __slots__ = ("_claims", "_converter", "_frame", "_limits")

    def __init__(
        self,
        converter: RecordConverter,
        limits: BatchLimits,
        frame: Frame = ARRAY,
        claims: ClaimCheck | None = None,
    ) -> None:
        """`claims` takes the values of records that are too large to be sent alone; `batches` then blocks for it."""
        self._converter = converter
        self._limits = limits
        self._frame = frame
        self._claims = claims

    def batches(self, records: Sequence[SourceRecord]) -> Iterator[Batch | FailedRecord | DroppedRecords]:
        """Cut `records`, which are in offset order, into batches and records that failed; strictly in that order.

        Lazy: no more than fill a batch are converted before they are asked for. A record that fails ends the batch
        before it, so that whoever stops at it has everything before it delivered and nothing after it. Records that are
        dropped follow what was made of the others that came with them.
        Raises RetriableConversionError; whatever was not handed out before is to be asked for again. With a claim check
        also what `ClaimStore.put` raises.
        """
        size = self._limits.max_records
        done, end = 0, len(records)
        while done < end:
            found = Conversion()
            while done < end and len(found.entries) < size and not found.failures:
                piece = records[done : done + size - len(found.entries)]
                self._converter.convert(piece, found)
                done += len(piece)
            yield from self._cut(found)
            if found.dropped:
                last = records[done - 1]
                yield DroppedRecords(found.dropped, None if found.is_covering(last) else last)

    def items(self, records: Sequence[SourceRecord]) -> Iterator[Item | FailedRecord | None]:
        """Each of `records`, which are in offset order, by itself, for whoever makes batches of them by `of`.

        None comes before one that may block for the claim check: what comes before it waits for no store.
        Records that are dropped are left out. Raises RetriableConversionError before anything is handed out; with a
        claim check also what `ClaimStore.put` raises, and `records` from there on are to be asked for again.
        """
        found = Conversion()
        self._converter.convert(records, found)
        room = self._single_limit - self._frame.size
        for record, outcome, tenant in _in_order(found):
            fitting: _Encoded | RecordError | RecordTooLargeError
            fitting = outcome if isinstance(outcome, RecordError) else _Encoded(outcome, encode(outcome))
            if isinstance(fitting, _Encoded) and len(fitting.text) > room:
                if self._claims is not None:
                    yield None
                fitting = self._without_value(record, len(fitting.text), room)
            if isinstance(fitting, _Encoded):
                yield Item(record, fitting.entry, fitting.text, _ordering_key(record, tenant), tenant)
            else:
                yield FailedRecord(record, fitting)

    def of(self, items: Sequence[Item]) -> Batch:
        """A batch of items of one tenant, in offset order, of `room` bytes at most but for a single one."""
        payload = self._frame.join([item.text for item in items])
        return Batch(payload, [item.record for item in items], [item.entry for item in items], items[0].tenant)

    @property
    def room(self) -> int:
        """Bytes of the entries of a batch, each with the comma behind it."""
        return self._limits.max_bytes - self._frame.size + 1

    def split(self, batch: Batch) -> tuple[Batch, Batch]:
        """Two halves of a batch that was refused as too large (HTTP 413). Raises ValueError for a single record."""
        middle = batch.count // 2
        if not middle:
            raise ValueError("a single record cannot be split")
        return self.part(batch, range(middle)), self.part(batch, range(middle, batch.count))

    def part(self, batch: Batch, indexes: Sequence[int]) -> Batch:
        """The records of a batch at these indexes, in order, at least one."""
        records = [batch.records[index] for index in indexes]
        return self._batch(records, [batch.entries[index] for index in indexes], batch.tenant)

    def _batch(self, records: Sequence[SourceRecord], entries: Sequence[object], tenant: str | None) -> Batch:
        return Batch(self._frame.payload(entries), records, entries, tenant)

    def _cut(self, found: Conversion) -> Iterator[Batch | FailedRecord]:
        tenants = found.tenants
        if found.entries and not found.failures and (not tenants or tenants.count(tenants[0]) == len(tenants)):
            batch = self._batch(found.records, found.entries, tenants[0] if tenants else None)
            if len(batch.payload) + self._frame.reserved <= self._limits.max_bytes:
                yield batch
                return
        yield from self._cut_measured(_in_order(found))

    def _cut_measured(
        self,
        outcomes: Sequence[tuple[SourceRecord, object, str | None]],
    ) -> Iterator[Batch | FailedRecord]:
        room = self._single_limit - self._frame.size
        run = _Run(self._frame)
        for record, outcome, tenant in outcomes:
            fitting: _Encoded | RecordError | RecordTooLargeError
            fitting = outcome if isinstance(outcome, RecordError) else _Encoded(outcome, encode(outcome))
            if isinstance(fitting, RecordError) or len(fitting.text) > room:
                # What comes before it waits for no store.
                if run.records:
                    yield run.batch()
                    run = _Run(self._frame)
                if isinstance(fitting, _Encoded):
                    fitting = self._without_value(record, len(fitting.text), room)
                if not isinstance(fitting, _Encoded):
                    yield FailedRecord(record, fitting)
                    continue
            is_full = run.size + len(fitting.text) + 1 > self._limits.max_bytes
            if run.records and (is_full or tenant != run.tenant):
                yield run.batch()
                run = _Run(self._frame)
            run.tenant = tenant
            run.add(record, fitting)
        if run.records:
            yield run.batch()

    def _without_value(self, record: SourceRecord, size: int, room: int) -> _Encoded | RecordTooLargeError:
        """A record of `size` bytes, for which there is no room, with its value elsewhere. Blocks for the store."""
        if self._claims is None:
            hint = "Make the record smaller, or set aws.lambda.oversize.s3.bucket."
            return self._too_large(record, size, hint)
        try:
            claim = self._claims.claim(record)
        except RecordError as error:
            return self._too_large(record, size, f"Its value cannot be taken out of it: {error}")
        text = encode(claim.entry)
        if len(text) > room:
            hint = "Make its key or headers smaller: its value is not counted."
            return self._too_large(record, len(text), hint)
        self._claims.deposit(claim)
        return _Encoded(claim.entry, text)

    def _too_large(self, record: SourceRecord, size: int, hint: str) -> RecordTooLargeError:
        return RecordTooLargeError(
            f"record {record.topic()}-{record.partition()} offset {record.offset()} takes "
            f"{size + self._frame.size:,} bytes encoded; a single record may take {self._single_limit:,}",
            hint=hint,
        )

    @property
    def _single_limit(self) -> int:
        return max(self._limits.max_bytes, self._limits.single_max_bytes)


def _ordering_key(record: SourceRecord, tenant: str | None) -> bytes | None:
    """Tenants are kept apart, also where they use the same keys; none has NUL in its name."""
    key = record.key()
    return key if key is None or tenant is None else tenant.encode() + b"\0" + key


def _in_order(found: Conversion) -> list[tuple[SourceRecord, object, str | None]]:
    """The records of a conversion in offset order, each with its entry or error, and its tenant."""
    owners: list[str] | list[None] = found.tenants or [None] * len(found.records)
    outcomes: list[tuple[SourceRecord, object, str | None]] = [
        *zip(found.records, found.entries, owners, strict=True),
        *((record, error, None) for record, error in found.failures),
    ]
    if found.failures:
        outcomes.sort(key=lambda outcome: outcome[0].offset())
    return outcomes


class _Encoded(NamedTuple):
    """A record that can be sent."""

    entry: object
    text: bytes


class _Run:
    """Records of one tenant that fit together, each encoded."""

    __slots__ = ("encoded", "entries", "frame", "records", "size", "tenant")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.records: list[SourceRecord] = []
        self.entries: list[object] = []
        self.encoded: list[bytes] = []
        #: Each entry brings a comma, and the last one has none.
        self.size = frame.size - 1
        self.tenant: str | None = None

    def add(self, record: SourceRecord, encoded: _Encoded) -> None:
        self.records.append(record)
        self.entries.append(encoded.entry)
        self.encoded.append(encoded.text)
        self.size += len(encoded.text) + 1

    def batch(self) -> Batch:
        return Batch(self.frame.join(self.encoded), self.records, self.entries, self.tenant)
