"""Which source topics exist, under which ids: asked every few seconds on a thread of its own."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from typing import Final

from kafka_lambda_sink.core.ports import TopicCatalog, TopicSnapshot
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.alarms import Alarms

#: Topics that no regular expression matches, as in the Java client (`exclude.internal.topics`).
_INTERNAL: Final = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})


def matching(pattern: re.Pattern[str], names: Iterable[str]) -> list[str]:
    """Those that a compiled `topics.regex` selects."""
    return [name for name in names if name not in _INTERNAL and pattern.fullmatch(name)]


class TopicWatch:
    """Newest snapshot of the source topics.

    A regular expression is matched whole, and by us: librdkafka matches prefixes, and KIP-848 has another dialect.
    """

    def __init__(
        self,
        catalog: TopicCatalog,
        topics: tuple[str, ...],
        pattern: re.Pattern[str] | None,
        interval: float,
        alarms: Alarms,
    ) -> None:
        self._catalog = catalog
        self._topics = topics
        self._pattern = pattern
        self._interval = interval
        self._alarms = alarms
        self._wake = threading.Event()
        self._is_closing = False
        self._snapshot: Mapping[str, TopicSnapshot] = {}
        self._at_start: frozenset[tuple[str | None, TopicPartition]] | None = None

    @property
    def snapshot(self) -> Mapping[str, TopicSnapshot]:
        """Source topics that existed when last asked. Replaced as a whole; never blocks."""
        return self._snapshot

    def appeared_while_running(self, topic_id: str | None, tp: TopicPartition) -> bool:
        """Whether the partition was not there at the first answer. Then it is read from its first record."""
        return self._at_start is not None and (topic_id, tp) not in self._at_start

    def refresh(self) -> None:
        """Ask the cluster now. Blocks. Raises what the catalog raises."""
        names = list(self._topics) if self._pattern is None else matching(self._pattern, self._catalog.names())
        found = self._catalog.describe(names) if names else {}
        self._snapshot = found
        if self._at_start is None:
            self._at_start = frozenset(
                (topic.topic_id, TopicPartition(name, partition))
                for name, topic in found.items()
                for partition in range(topic.partitions)
            )
        missing = [name for name in self._topics if name not in found]
        if missing or not found:
            self._alarms.topics_missing(missing, self._pattern.pattern if self._pattern else None)

    def ask_soon(self) -> None:
        """Have the thread refresh now. Any thread."""
        self._wake.set()

    def run(self) -> None:
        """Refresh every `interval` seconds until `stop`. The body of the watch's thread."""
        while not self._is_closing:
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - without this thread a topic created again would go unnoticed
                self._alarms.topics_unknown(error)
            self._wake.wait(self._interval)
            self._wake.clear()

    def stop(self) -> None:
        """End the thread."""
        self._is_closing = True
        self._wake.set()
