"""What the checks between several properties find."""

from __future__ import annotations

from typing import NamedTuple

from kafka_lambda_sink.core.problem_id import ProblemId


class Finding(NamedTuple):
    """Something that does not fit together."""

    #: Attributes of `SinkConfig` it is about; the first is where it is shown.
    attributes: tuple[str, ...]
    message: str
    error_id: ProblemId = "conflict"
    hint: str | None = None
