"""Numbers that are not written as they are: singles, NaN and the infinities, integers that JavaScript rounds."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, TypeAlias

from kafka_lambda_sink.converters.json_form import LongForm, NonfiniteForm

#: What a number becomes: for msgspec to write.
WriteNumber: TypeAlias = Callable[[float], object]

#: `Number.MAX_SAFE_INTEGER`: beyond it, neighbouring integers are one number to JavaScript.
_MAX_SAFE: Final = 2**53 - 1
_INFINITY: Final = float("inf")
_SINGLE: Final = struct.Struct("f")
#: Below this fewer than six digits may come back.
_SMALLEST_NORMAL: Final = 2.0**-126


class UnwritableError(ValueError):
    """A value that JSON cannot say. The message holds nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: Names of fields, and indexes in arrays and in maps, from the outside in.
        self.path: list[str | int] = []


def float_writer(form: NonfiniteForm) -> WriteNumber:
    """What doubles are written with."""

    def write(number: float) -> object:
        return number if -_INFINITY < number < _INFINITY else _nonfinite(number, form)

    return write


def single_writer(form: NonfiniteForm) -> WriteNumber:
    """What single-precision numbers are written with: the fewest digits that are this number."""

    def write(number: float) -> object:
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


def shortest_single(number: float) -> float:
    """The double of the fewest digits that rounds to the single `number`: 1.1 for 1.10000002384185791015625."""
    # Six digits always come back from a single; nine always tell it from its neighbours. Two at least, as in Java.
    for digits in range(6 if abs(number) >= _SMALLEST_NORMAL else 2, 9):
        shorter = float(f"{number:.{digits}g}")
        try:
            if _SINGLE.unpack(_SINGLE.pack(shorter))[0] == number:
                return shorter
        except OverflowError:
            # Rounded up beyond the largest single.
            continue
    return float(f"{number:.9g}")


def integer_writer(form: LongForm) -> WriteNumber | None:
    """What integers of 64 bits and more are written with; None for as they are."""
    if form == "number":
        return None

    def write(number: float) -> object:
        return number if -_MAX_SAFE <= number <= _MAX_SAFE else str(number)

    return write
