"""Delivery in the order of the partition: one invocation at a time, on the pipeline's thread."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_lambda_sink.contracts.assembly import BatchAssembler
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import RetriableConversionError
from kafka_lambda_sink.core.ports import ClaimStore
from kafka_lambda_sink.core.record import SourceRecord, next_offset
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.conversion_wait import ConversionWait
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.pipeline.judgement import Judge
from kafka_lambda_sink.pipeline.progress import MAX_UNREPORTED_SPANS, PartitionProgress
from kafka_lambda_sink.pipeline.recovery import Recovery


class InOrder:
    """A `Deliverer`."""

    def __init__(
        self,
        *,
        progress: PartitionProgress,
        assembler: BatchAssembler,
        delivery: Delivery,
        recovery: Recovery,
        judge: Judge,
        alarms: Alarms,
        claims: ClaimStore | None = None,
        max_unreported_spans: int = MAX_UNREPORTED_SPANS,
    ) -> None:
        """`claims` is what the assembler stores large values with."""
        self._progress = progress
        self._assembler = assembler
        self._delivery = delivery
        self._recovery = recovery
        self._judge = judge
        self._claims = claims
        self._max_unreported_spans = max_unreported_spans
        self._wait = ConversionWait(progress, alarms)

    def deliver(self, records: Sequence[SourceRecord]) -> None:
        """See Deliverer."""
        if not self._progress.begin():
            return
        attempt = 0
        while records:
            rest = self._deliver_some(records, attempt)
            attempt = attempt + 1 if len(rest) == len(records) else 0
            records = rest
        # Not in a `finally`: what is raised has to stop the partition before a drain finds nothing in flight.
        self._progress.end()

    def halt(self) -> None:
        """See Deliverer."""
        self._delivery.halt()
        self._wait.halt()

    def abort(self) -> None:
        """See Deliverer."""
        self._delivery.abort()
        if self._claims is not None:
            self._claims.abort()
        self._wait.halt()

    def close(self) -> None:
        """See Deliverer."""
        self._progress.end()
        self._delivery.close()

    def _deliver_some(self, records: Sequence[SourceRecord], attempt: int) -> Sequence[SourceRecord]:
        """Deliver in order; what is left when the next cannot be converted now. Nothing is left after a drain."""
        done = 0
        try:
            for item in self._assembler.batches(records):
                if not self._progress.wait_for_room(self._max_unreported_spans):
                    break
                if isinstance(item, Batch):
                    self._recovery.deliver(item)
                    done = item.next_offset
                elif isinstance(item, FailedRecord):
                    self._judge.failed_record(item)
                    done = item.next_offset
                else:
                    self._judge.dropped(item)
                    done = next_offset(item.last) if item.last is not None else done
        except RetriableConversionError as error:
            rest = [record for record in records if record.offset() >= done]
            return rest if self._wait.sit_out(error, rest[0].offset(), attempt) else ()
        return ()
