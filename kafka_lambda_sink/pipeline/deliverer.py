"""What a partition's pipeline does with the records that it has fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kafka_lambda_sink.core.record import SourceRecord


class Deliverer(Protocol):
    """Delivers the records of one partition in one assignment epoch: in their order, or several batches at a time."""

    def deliver(self, records: Sequence[SourceRecord]) -> None:
        """Deliver records, which come after all that were given before, or see to it that they are. Blocks.

        The pipeline's thread. Nothing is left to do after a drain. Raises what stops the partition, and
        InvocationAborted when its epoch ended in the middle.
        """

    def halt(self) -> None:
        """Finish what is in flight and begin nothing more. Any thread; does not block."""

    def abort(self) -> None:
        """End calls in flight too. Any thread; does not block."""

    def close(self) -> None:
        """Close connections. The pipeline's thread, when its epoch has ended."""
