"""Single-precision numbers, which Python has not: rounding to them, and the fewest digits that say one."""

from __future__ import annotations

import struct
from decimal import Decimal
from math import copysign, inf, nextafter
from typing import Final

from kafka_lambda_sink.core.schema import Float32

_SINGLE: Final = struct.Struct("f")
_DIGITS: Final = ("%.6g", "%.7g", "%.8g", "%.9g")
_DIGITS_OF_SMALL: Final = ("%.2g", "%.3g", "%.4g", "%.5g", *_DIGITS)
#: Below this fewer than six digits may come back.
_SMALLEST_NORMAL: Final = 2.0**-126
#: Added and taken away, it leaves a small double without its fraction.
_WHOLE: Final = 1.5 * 2.0**52
#: Squared, and a little less: 2^-25, the part of a single by which a double may be off it and still round to it.
_NEAR: Final = 8e-16


def nearest_single(number: float | Decimal) -> Float32:
    """`number` rounded once, half to even, as Java's `(float)` and `BigDecimal.floatValue` do; infinite beyond them."""
    double = float(number)
    if isinstance(number, Decimal):
        # A double that was rounded itself must not lie midway between two singles by that.
        exact = Decimal(double) if double not in {inf, -inf} else number
        if exact != number and _round(double) != _round(nextafter(double, inf if number > exact else -inf)):
            double = nextafter(double, inf if number > exact else -inf)
    return Float32(_round(double))


def _round(double: float) -> float:
    try:
        single: float = _SINGLE.unpack(_SINGLE.pack(double))[0]
    except OverflowError:
        return copysign(inf, double)
    return single


def shortest_single(number: float) -> float:
    """The double of the fewest digits that rounds to the single `number`: 1.1 for 1.10000002384185791015625."""
    # Most have few decimals. Up to 100, four of them are no more than six digits: no other number of six is as near.
    whole = number * 1e4 + _WHOLE - _WHOLE
    off = whole / 1e4 - number
    if off * off <= number * number * _NEAR < 1e4 * _NEAR:
        # A Float32 is none of the writers': zero as well is a double, with its sign.
        return whole / 1e4 or float(number)
    # Six digits always come back from a single; nine always tell it from its neighbours. Two at least, as in Java.
    for digits in _DIGITS if abs(number) >= _SMALLEST_NORMAL else _DIGITS_OF_SMALL:
        shorter = float(digits % number)
        if _round(shorter) == number:
            return shorter
    raise AssertionError(number)
