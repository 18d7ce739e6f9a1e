"""Decimals as Connect and Avro hold them: the bytes of an unscaled integer, and a scale beside them."""

from __future__ import annotations

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Final

#: Rounds nothing, whatever the size.
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def unscaled_integer(value: Decimal, scale: int) -> int | None:
    """`value` times ten to the `scale`; None where that is no integer. `value` must be finite."""
    unscaled = _EXACT.multiply(value, Decimal((0, (1,), scale)))
    integer = int(unscaled)
    return integer if integer == unscaled else None


def to_bytes(integer: int) -> bytes:
    """The fewest bytes of the two's complement, big-endian, as BigInteger.toByteArray."""
    return integer.to_bytes((integer if integer >= 0 else ~integer).bit_length() // 8 + 1, "big", signed=True)


def from_bytes(unscaled: bytes, scale: int) -> Decimal:
    """The decimal of exactly this scale."""
    return _EXACT.scaleb(Decimal(int.from_bytes(unscaled, "big", signed=True)), -scale)
