"""Numbers as Java reads, narrows and writes them."""

from __future__ import annotations

import re
from decimal import Decimal
from math import copysign, inf, isnan, trunc
from typing import Final

from kafka_lambda_sink.converters.header_tokens import trim
from kafka_lambda_sink.converters.singles import nearest_single, shortest_single
from kafka_lambda_sink.core.schema import Float32, Type

#: Of the integer types.
BITS: Final = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_INTEGER: Final = re.compile(r"[+-]?\d+")
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?")
#: Exponents of a BigDecimal are below it.
_EXPONENT_LIMIT: Final = 2**31
_FLOAT: Final = re.compile(_DECIMAL.pattern + "[fFdD]?", re.ASCII)
_HEX_FLOAT: Final = re.compile(r"([+-]?0[xX](?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+)[pP][+-]?\d+)[fFdD]?", re.ASCII)
_NAMED_FLOAT: Final = re.compile(r"[+-]?(?:NaN|Infinity)")
#: Magnitudes that Java writes without an exponent: from, and below.
_PLAIN: Final = (Decimal("0.001"), Decimal(10_000_000))
#: From this power on, tens are multiples of 2**64.
_NO_LOW_BITS: Final = 64


def wrapped(number: int, bits: int) -> int:
    """The lowest bits of an integer, as one with a sign."""
    return (number + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def narrowed(number: float | Decimal, bits: int) -> int:
    """`Number.byteValue`, `shortValue`, `intValue` and `longValue`: what is too large wraps, or stays at the end."""
    if isinstance(number, int):
        return wrapped(number, bits)
    if isinstance(number, Decimal):
        exponent = number.as_tuple().exponent
        is_beyond = isinstance(exponent, int) and exponent >= _NO_LOW_BITS
        return 0 if is_beyond else wrapped(int(number), bits)
    if isnan(number):
        return 0
    # Java goes by way of an int where it makes less of a double.
    limit = 1 << max(bits, 32) - 1
    whole = trunc(max(-float(limit), min(number, float(limit))))
    return wrapped(max(-limit, min(whole, limit - 1)), bits)


def parse_integer(text: str, bits: int) -> int:
    """`Long.parseLong` and its like. Raises ValueError."""
    if not _INTEGER.fullmatch(text):
        raise ValueError("not a whole number")
    number = int(text)
    if number != wrapped(number, bits):
        raise ValueError(f"beyond {bits} bits")
    return number


def parse_decimal(text: str) -> Decimal:
    """`new BigDecimal`. Raises ValueError."""
    found = _DECIMAL.fullmatch(text)
    if found is None or abs(int(found[1] or "0")) >= _EXPONENT_LIMIT:
        raise ValueError("not a number")
    return Decimal(text)


def parse_double(text: str) -> float:
    """`Double.parseDouble`. Raises ValueError."""
    text = trim(text)
    hexadecimal = _HEX_FLOAT.fullmatch(text)
    if hexadecimal:
        return _from_hex(hexadecimal[1])
    if _NAMED_FLOAT.fullmatch(text) or _FLOAT.fullmatch(text):
        return float(text if text.endswith(("y", "N")) else text.rstrip("fFdD"))
    raise ValueError("not a number")


def parse_single(text: str) -> Float32:
    """`Float.parseFloat`. Raises ValueError."""
    double = parse_double(text)
    if double in {0.0, inf, -inf} or isnan(double) or _HEX_FLOAT.fullmatch(trim(text)):
        return nearest_single(double)
    return nearest_single(Decimal(trim(text).rstrip("fFdD")))


def _from_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return copysign(inf, -1 if text.startswith("-") else 1)


def double_text(number: float) -> str:
    """`Double.toString` since Java 19: the fewest digits that are this double, two at least."""
    if number - number != 0:
        return "NaN" if isnan(number) else "Infinity" if number > 0 else "-Infinity"
    shortest = repr(number)
    if len(Decimal(shortest).normalize().as_tuple().digits) == 1:
        two_digits = f"{number:.1e}"
        shortest = two_digits if float(two_digits) == number else shortest
    return _text(shortest)


def single_text(number: float) -> str:
    """`Float.toString` since Java 19."""
    return _text(repr(shortest_single(number))) if number - number == 0 else double_text(number)


def _text(shortest: str) -> str:
    decimal = Decimal(shortest).normalize()
    if decimal == 0 or _PLAIN[0] <= abs(decimal) < _PLAIN[1]:
        plain = format(decimal, "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, _ = decimal.as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{decimal.adjusted()}"
