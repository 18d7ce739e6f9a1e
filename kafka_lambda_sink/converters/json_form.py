"""How values are written that JSON has no one way for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

DecimalFormat: TypeAlias = Literal["BASE64", "NUMERIC"]
NonfiniteForm: TypeAlias = Literal["error", "null", "string"]
LongForm: TypeAlias = Literal["number", "string"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonForm:
    """The choices of one converter."""

    #: Connect's `decimal.format`: the unscaled number's bytes in base64, or a JSON number with every digit.
    decimal_format: DecimalFormat = "BASE64"
    #: NaN and the infinities: the record is refused, or they become null, or `"NaN"`, `"Infinity"`, `"-Infinity"`.
    nonfinite: NonfiniteForm = "error"
    #: Integers beyond ±2^53, which JavaScript rounds: a number, or a string of its digits.
    long: LongForm = "number"
    #: Connect's `replace.null.with.default`: whether a null is its schema's default, read and written.
    replace_null_with_default: bool = True
