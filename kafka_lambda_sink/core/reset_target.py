"""Where `offsets reset --to` shall lead: from a person's words to a target. Pure: what time it is, is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

#: What is understood, for help and messages.
FORMS: Final = "earliest|latest|datetime:RFC3339|duration:ISO8601|offset:N|by-partition:P=N,…"

_DURATION: Final = re.compile(
    r"P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
#: What Kafka counts offsets and times with.
_MOST: Final = (1 << 63) - 1


class ResetTargetError(ValueError):
    """The words mean nothing. The message says why."""


class LogEnd(Enum):
    """One of the two ends of the log."""

    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class AtTime:
    """The first record that is not older."""

    #: Milliseconds since the epoch.
    timestamp: int


@dataclass(frozen=True, slots=True)
class AtOffset:
    """The same offset in each partition."""

    offset: int


@dataclass(frozen=True, slots=True)
class ByPartition:
    """An offset for each partition; others stay where they are."""

    offsets: Mapping[int, int]


ResetTarget = LogEnd | AtTime | AtOffset | ByPartition


def parse_reset_target(text: str, *, now_ms: int) -> ResetTarget:
    """The target of `FORMS`. Raises ResetTargetError."""
    kind, _, argument = text.strip().partition(":")
    match kind, argument:
        case (("earliest" | "latest"), ""):
            return LogEnd(kind)
        case "datetime", _:
            return AtTime(_timestamp(argument))
        case "duration", _:
            return AtTime(max(now_ms - _milliseconds(argument), 0))
        case "offset", _:
            return AtOffset(_number(argument, "offset"))
        case "by-partition", _:
            return ByPartition(_by_partition(argument))
    raise ResetTargetError(f"{text!r} is none of {FORMS}")


def _timestamp(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ResetTargetError(f"{text!r} is no date and time such as 2026-01-31T08:00:00Z") from None
    if at.tzinfo is None:
        raise ResetTargetError(f"{text!r} does not say its time zone: end it with Z or an offset such as +01:00")
    timestamp = (at - datetime.fromisoformat("1970-01-01T00:00:00Z")) // timedelta(milliseconds=1)
    if timestamp < 0:
        raise ResetTargetError(f"{text!r} is before 1970")
    return timestamp


def _milliseconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ResetTargetError(f"{text!r} is no duration such as PT1H, PT90M or P1DT12H (weeks, days, hours, …)")
    try:
        given = timedelta(**{unit: float(amount) for unit, amount in found.groupdict().items() if amount})
    except OverflowError:
        raise ResetTargetError(f"{text!r} is too long") from None
    return given // timedelta(milliseconds=1)


def _by_partition(text: str) -> dict[int, int]:
    offsets: dict[int, int] = {}
    for pair in text.split(","):
        partition, separator, offset = (part.strip() for part in pair.partition("="))
        if not separator:
            raise ResetTargetError(f"{pair!r} is not PARTITION=OFFSET")
        number = _number(partition, "partition")
        if number in offsets:
            raise ResetTargetError(f"partition {number} is given twice")
        offsets[number] = _number(offset, "offset")
    return offsets


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(_MOST)) or int(text) > _MOST:
        raise ResetTargetError(f"{text!r} is no {what}")
    return int(text)
