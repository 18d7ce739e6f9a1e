"""Time zones in texts: offsets, UTC and GMT, by the letters z, Z and X of `SimpleDateFormat`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from kafka_lambda_sink.transforms.date_pattern import DateField

_ISO: Final = (
    re.compile(r"(?P<sign>[+-])(?P<hours>\d\d)", re.ASCII),
    re.compile(r"(?P<sign>[+-])(?P<hours>\d\d)(?P<minutes>\d\d)", re.ASCII),
    re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)", re.ASCII),
)
_RFC_822: Final = _ISO[1]
_GMT: Final = re.compile(r"GMT(?P<sign>[+-])(?P<hours>\d\d?):(?P<minutes>\d\d)", re.ASCII | re.IGNORECASE)
_GREENWICH: Final = re.compile(r"gmt(?![+-])", re.ASCII | re.IGNORECASE)
_UTC: Final = re.compile(r"coordinated universal time|utc", re.ASCII | re.IGNORECASE)
_MOST_HOURS: Final = 23
_MOST_MINUTES: Final = 59


class ReadZone(NamedTuple):
    """An offset that was read."""

    #: East of Greenwich; None for UTC by name, which leaves an offset that was read before it.
    minutes: int | None
    #: Where it ends in the text.
    end: int


def read_zone(text: str, start: int, field: DateField) -> ReadZone | None:
    """The zone that stands in a text, None where there is none, or one by a name other than UTC and GMT."""
    if field.letter == "X":
        if text.startswith("Z", start):
            return ReadZone(0, start + 1)
        return _offset(_ISO[field.length - 1].match(text, start))
    for zone, minutes in ((_UTC, None), (_GREENWICH, 0)):
        named = zone.match(text, start)
        if named:
            return ReadZone(minutes, named.end())
    return _offset(_RFC_822.match(text, start) or _GMT.match(text, start))


def _offset(found: re.Match[str] | None) -> ReadZone | None:
    if found is None:
        return None
    hours, minutes = int(found["hours"]), int(found.groupdict().get("minutes") or 0)
    if hours > _MOST_HOURS or minutes > _MOST_MINUTES:
        return None
    return ReadZone((hours * 60 + minutes) * (1 if found["sign"] == "+" else -1), found.end())
