"""Decimals as Connect and Avro hold them: the bytes of an unscaled integer, and a scale beside them."""

from __future__ import annotations

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Final

from kafka_lambda_sink.converters.unconvertible import UnconvertibleError

#: The time that binary numbers take grows with the square of their length: a million digits block for half a minute.
MOST_DIGITS: Final = 10_000
MOST_BYTES: Final = 4_096

#: Rounds nothing, whatever the size.
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def unscaled_integer(value: Decimal, scale: int) -> int | None:
    """`value` times ten to the `scale`; None where that is no integer. `value` must be finite. See MOST_DIGITS."""
    unscaled = _EXACT.multiply(value, Decimal((0, (1,), scale)))
    integer = int(unscaled)
    return integer if integer == unscaled else None


def to_bytes(integer: int) -> bytes:
    """The fewest bytes of the two's complement, big-endian, as BigInteger.toByteArray."""
    return integer.to_bytes((integer if integer >= 0 else ~integer).bit_length() // 8 + 1, "big", signed=True)


def from_bytes(unscaled: bytes, scale: int) -> Decimal:
    """The decimal of exactly this scale. Raises UnconvertibleError for more than MOST_BYTES."""
    if len(unscaled) > MOST_BYTES:
        raise UnconvertibleError(f"a decimal of more than {MOST_BYTES:,} bytes")
    return _EXACT.scaleb(Decimal(int.from_bytes(unscaled, "big", signed=True)), -scale)
