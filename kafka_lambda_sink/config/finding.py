"""What checks find: of one value, and between several properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kafka_lambda_sink.core.problem_id import ProblemId


class Faults(ValueError):
    """One value of which several things are wrong; a validator raises it."""

    def __init__(self, faults: Sequence[tuple[str, str | None]]) -> None:
        super().__init__("; ".join(message for message, _ in faults))
        #: What is wrong, each with a hint or None.
        self.faults = faults


class Finding(NamedTuple):
    """Something that does not fit together."""

    #: Attributes of `SinkConfig` it is about; the first is where it is shown.
    attributes: tuple[str, ...]
    message: str
    error_id: ProblemId = "conflict"
    hint: str | None = None
