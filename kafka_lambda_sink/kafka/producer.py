"""Writing reports: one idempotent producer for all that shares a client configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka_lambda_sink.core.errors import TransientReportError
from kafka_lambda_sink.core.ports import DeliveryCallback, DeliveryFailure, Report
from kafka_lambda_sink.kafka.client_config import build_client
from kafka_lambda_sink.kafka.client_events import ClientEvents
from kafka_lambda_sink.kafka.errors import report_error
from kafka_lambda_sink.telemetry.logs import get_logger

#: Seconds to serve delivery reports before a full queue is tried again.
_FULL_QUEUE_WAIT: Final = 0.05
#: Seconds in which purged reports come back as failures; nothing of it waits for the network.
_PURGE_WAIT: Final = 1.0

_log = get_logger(__name__)


class _Delivery:
    """The delivery callback of one report. An object with slots costs 0.5 µs less a report than a closure."""

    __slots__ = ("_done", "_producer", "_report")

    def __init__(self, producer: KafkaReportProducer, report: Report, done: DeliveryCallback) -> None:
        self._producer = producer
        self._report = report
        self._done = done

    def __call__(self, error: KafkaError | None, _: Message | None) -> None:
        # An exception here would surface from poll or flush and hide the reports behind it.
        try:
            self._done(None if error is None else _failure(self._report, self._producer.reason_of(error)))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the other reports come first
            _log.error("the callback of a delivery report failed", exc_info=failure, topic=self._report.topic)


class KafkaReportProducer:
    """`core.ports.ReportProducer`, configured by `client_config.producer_config`. Thread-safe.

    After a fatal error every report is handed back at once, marked `is_fatal`; so is every report after `close`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._events = ClientEvents()
        self._producer: Producer = build_client(Producer, config, self._events)
        #: Why it is unusable, or None.
        self._fatal: KafkaError | None = None
        self._is_closed = False

    def produce(self, report: Report, done: DeliveryCallback) -> None:
        """Queue one report. While the queue is full, serves delivery reports, so `done` may be called by any thread."""
        produce = self._producer.produce
        delivery = _Delivery(self, report, done)
        while True:
            try:
                produce(report.topic, report.value, report.key, on_delivery=delivery, headers=list(report.headers))
            except BufferError:
                self.poll(_FULL_QUEUE_WAIT)
            except KafkaException as error:
                delivery(error.args[0], None)
                return
            else:
                break
        # Checked after, not before: a report queued behind the purge of `close` would never be heard of again.
        if self._is_closed:
            self._give_back()

    def poll(self, timeout: float) -> None:
        """Serve delivery callbacks for up to `timeout` seconds."""
        try:
            self._producer.poll(timeout)
        except KafkaException as error:
            # A fatal error is raised once, by whoever polls; the reports come back too, each for itself.
            self._fatal = error.args[0]

    def reason_of(self, error: KafkaError) -> KafkaError:
        """What a report failed with: an unusable producer just says that it is, not why."""
        is_unusable = error.code() == KafkaError._FATAL  # noqa: SLF001 - its public name
        return self._fatal if is_unusable and self._fatal is not None else error

    def close(self, timeout: float) -> int:
        """Flush, then hand back what is left as failures; how many those were."""
        left = self._flush(timeout)
        self._is_closed = True
        self._give_back()
        return left

    def _flush(self, timeout: float) -> int:
        try:
            return self._producer.flush(timeout)
        except KafkaException as error:
            # As in poll: nothing more is sent, what is left comes back as failures.
            self._fatal = error.args[0]
            return len(self._producer)

    def _give_back(self) -> None:
        # Not Producer.close(): another thread may be inside the client, which ends when the last reference does.
        self._producer.purge()
        self._flush(_PURGE_WAIT)


def _failure(report: Report, error: KafkaError) -> DeliveryFailure:
    if error.code() in {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}:  # noqa: SLF001 - their public names
        given_up = TransientReportError(f"{report.topic}: the producer was given up before the report was written")
        return DeliveryFailure(report, given_up, is_fatal=True)
    verdict = report_error(error, report.topic)
    return DeliveryFailure(
        report,
        verdict.error,
        is_too_large=verdict.is_too_large,
        may_be_another=verdict.may_be_another,
        is_fatal=verdict.is_fatal,
    )
