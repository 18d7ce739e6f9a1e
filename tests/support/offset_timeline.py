"""A group's committed offsets, sampled many times a second while a scenario runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from kafka_lambda_sink.core.record import TopicPartition
from tests.support.observation import Sample
from tests.support.sink_process import now_ms
from tests.support.waiting import wait_until

#: Seconds between two samples.
_PACE = 0.07


class OffsetTimeline:
    """Samples on a thread of its own inside `with`; while the broker is away there are no samples."""

    def __init__(self, bootstrap: str, group: str, partitions: Callable[[], Sequence[TopicPartition]]) -> None:
        self._partitions = partitions
        # A consumer that never joins. librdkafka's admin client aborted the process when a broker died under
        # `list_consumer_group_offsets`.
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": "0"})
        self._samples: list[Sample] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"offsets of {group}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(15)
        assert not self._thread.is_alive()
        self._consumer.close()

    @property
    def samples(self) -> list[Sample]:
        """So far, oldest first."""
        return self._samples.copy()

    def now(self) -> Sample:
        """A sample taken now. Raises KafkaException."""
        asked = [ClientPartition(*tp) for tp in self._partitions()]
        found = self._consumer.committed(asked, timeout=5) if asked else []
        offsets = {
            TopicPartition(tp.topic, tp.partition): tp.offset for tp in found if tp.error is None and tp.offset >= 0
        }
        return Sample(now_ms(), offsets)

    def wait_for(self, condition: Callable[[Sample], bool], timeout: float, *, what: str) -> Sample:
        """The first new sample for which `condition` holds."""

        def holds() -> Sample | None:
            newest = self._samples[-1] if self._samples else None
            return newest if newest is not None and condition(newest) else None

        return wait_until(holds, timeout, what=what, every=0.05)

    def _run(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(KafkaException):
                self._samples.append(self.now())
            self._ended.wait(_PACE)
