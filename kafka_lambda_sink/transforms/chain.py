"""Transforms one after another, each perhaps under a predicate, as Connect's TransformationChain runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kafka_lambda_sink.core.errors import RecordError, RetriableConversionError
from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.core.sink_record import Predicate, SinkRecord, Transform

#: Kafka Connect's name of the stage.
TRANSFORMATION: Final = "TRANSFORMATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transform of `transforms`."""

    alias: str
    #: As `transforms.<alias>.type` says it.
    class_name: str = ""
    transform: Transform
    #: It is applied where the predicate holds, or does not hold where `is_negated`; always where there is none.
    predicate: Predicate | None = None
    is_negated: bool = False


class TransformChain:
    """A `Transform` made of steps. Belongs to one thread: it remembers since when a record fails.

    A transform, also one of the user's own, may raise RetriableConversionError: the record is tried again until
    `retry_timeout` seconds (`errors.retry.timeout`; negative: for ever) are over. Whatever else it raises is the
    record's own failure.
    """

    def __init__(self, steps: Sequence[Step], clock: Clock, retry_timeout: float = 0.0) -> None:
        self._steps = tuple(steps)
        self._clock = clock
        self._retry_timeout = retry_timeout
        #: Offset of the record that failed last and may be tried again, and since when.
        self._failing: tuple[int, float] | None = None

    def __call__(self, record: SinkRecord) -> SinkRecord | None:
        """The record after all steps, or None when one has dropped it. Raises RecordError, RetriableConversionError."""
        current = record
        for step in self._steps:
            result = self._apply(step, current)
            if result is None:
                return None
            current = result
        return current

    def _apply(self, step: Step, record: SinkRecord) -> SinkRecord | None:
        try:
            if step.predicate is not None and step.predicate(record) is step.is_negated:
                return record
            return step.transform(record)
        except RecordError as error:
            raise _failed(step, str(error)) from error
        except RetriableConversionError as error:
            if self._may_retry(record.offset):
                raise
            raise _failed(step, f"{error} (errors.retry.timeout has passed)") from error
        except Exception as error:
            # Its text may quote the record: the class says enough, and the cause is with the exception.
            raise _failed(step, type(error).__name__) from error

    def _may_retry(self, offset: int) -> bool:
        if self._retry_timeout < 0:
            return True
        now = self._clock.monotonic()
        if self._failing is None or self._failing[0] != offset:
            self._failing = (offset, now)
        return now - self._failing[1] < self._retry_timeout


def _failed(step: Step, reason: str) -> RecordError:
    return RecordError(f"transforms.{step.alias}: {reason}", stage=TRANSFORMATION, class_name=step.class_name)
