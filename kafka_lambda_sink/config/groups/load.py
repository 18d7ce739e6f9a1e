"""How much is asked of the function at a time, and when it is left alone."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field

from kafka_lambda_sink.config.declaration import Declared, Group

_MOST: Final = 10_000


def _checked_concurrency(value: Any) -> Any:
    text = str(value).strip().lower()
    if text == "auto":
        return text
    if text.isdecimal() and 1 <= int(text) <= _MOST:
        return int(text)
    raise ValueError(f"must be auto, or a number from 1 to {_MOST}")


class LoadGroup(Group):
    """Throttles and outages of the function. See docs/throughput.md."""

    title: ClassVar[str] = "Throttles and outages"

    aws_lambda_concurrency: Annotated[
        Literal["auto"] | int, Declared("medium", unit="invocations"), BeforeValidator(_checked_concurrency)
    ] = "auto"
    """Most invocations of a function that a task has in flight, 1 to 10000. `auto`: as many as there are, until Lambda
    throttles the function; from then on as many as it takes. With a number throttles can make it less, too."""

    aws_lambda_circuit_breaker_failures: Annotated[int, Declared("low", unit="failures")] = Field(default=10, ge=0)
    """Failures in a row, of all partitions of a task, that say that the function is away (no connection, 5xx): then one
    invocation at a time is tried until one is answered. 0: never."""
