"""Numbers that are not written as they are: singles, NaN and the infinities, integers that JavaScript rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from kafka_lambda_sink.converters.json_form import LongForm, NonfiniteForm
from kafka_lambda_sink.converters.singles import shortest_single
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError

#: What a number becomes: for msgspec to write.
WriteNumber: TypeAlias = Callable[[float], "float | str | None"]

#: `Number.MAX_SAFE_INTEGER`: beyond it, neighbouring integers are one number to JavaScript.
_MAX_SAFE: Final = 2**53 - 1
_INFINITY: Final = float("inf")


class UnwritableError(UnconvertibleError):
    """A value that JSON cannot say."""


def float_writer(form: NonfiniteForm) -> WriteNumber:
    """What doubles are written with."""

    def write(number: float) -> float | str | None:
        return number if -_INFINITY < number < _INFINITY else _nonfinite(number, form)

    return write


def single_writer(form: NonfiniteForm) -> WriteNumber:
    """What single-precision numbers are written with: the fewest digits that are this number."""

    def write(number: float) -> float | str | None:
        return shortest_single(number) if -_INFINITY < number < _INFINITY else _nonfinite(number, form)

    return write


def _nonfinite(number: float, form: NonfiniteForm) -> str | None:
    if form == "error":
        raise UnwritableError(
            "a number that is not finite, which JSON has not (json.nonfinite says what becomes of it)"
        )
    if form == "null":
        return None
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"  # noqa: PLR0124 - what NaN is


def integer_writer(form: LongForm) -> WriteNumber | None:
    """What integers of 64 bits and more are written with; None for as they are."""
    if form == "number":
        return None

    def write(number: float) -> float | str | None:
        return number if -_MAX_SAFE <= number <= _MAX_SAFE else str(number)

    return write
