"""One line a log record, as JSON or for a console; text from elsewhere cannot forge, colour or flood it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

#: Characters of a field that are kept. Error messages of functions and brokers are foreign and of any length.
MAX_FIELD: Final = 4096
#: Items of a list that are kept.
_MAX_ITEMS: Final = 200

Field: TypeAlias = "str | int | float | bool | list[Field]"


class LineFormatter(logging.Formatter):
    """What both formats have in common: which fields a line has, in which order, and how long they may be."""

    def __init__(self, bound: Mapping[str, object]) -> None:
        super().__init__()
        #: Fields of every line, e.g. the connector's name.
        self._bound = dict(bound)

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, Field]]:
        """The bound fields and those of the call, without the empty ones."""
        given: Mapping[str, object] = getattr(record, "fields", {})
        for name, value in (self._bound | dict(given)).items():
            if value is not None:
                yield name, _bounded(value)

    def _trace(self, record: logging.LogRecord) -> str | None:
        """The end of the stack trace, where the cause stands."""
        if not record.exc_info or record.exc_info[0] is None:
            return None
        trace = self.formatException(record.exc_info)
        return trace if len(trace) <= MAX_FIELD else f"…{trace[-MAX_FIELD:]}"


class JsonFormatter(LineFormatter):
    """A JSON object a line, in ASCII, so that every control character is an escape."""

    def format(self, record: logging.LogRecord) -> str:
        """`{"timestamp": …, "level": …, "logger": …, "event": …, …}`."""
        line: dict[str, Field] = {
            "timestamp": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _cut(record.getMessage()),
        }
        for name, value in self._fields(record):
            line.setdefault(name, value)
        trace = self._trace(record)
        if trace is not None:
            line["exception"] = trace
        return json.dumps(line)


class ConsoleFormatter(LineFormatter):
    """`<time> <LEVEL> <event> name=value …`, a stack trace indented below."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and one more for each line of a stack trace."""
        fields = "".join(f" {name}={_shown(value)}" for name, value in self._fields(record))
        line = f"{_timestamp(record)} {record.levelname:<7} {_printable(_cut(record.getMessage()))}{fields}"
        trace = self._trace(record)
        if trace is None:
            return line
        return "\n".join([line, *(f"    | {_printable(each)}" for each in trace.splitlines())])


def _timestamp(record: logging.LogRecord) -> str:
    """RFC 3339, UTC, milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _bounded(value: object) -> Field:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        items = [_bounded(item) for item in value[:_MAX_ITEMS]]
        return items if len(value) <= _MAX_ITEMS else [*items, f"… {len(value) - _MAX_ITEMS} more"]
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_FIELD else f"{text[:MAX_FIELD]}… {len(text) - MAX_FIELD} more"


def _shown(value: Field) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_shown(item) for item in value) + "]"
    text = _printable(str(value))
    # Quoted where a reader could not tell where the value ends.
    return text if text and not any(mark in text for mark in ' "=[],') else '"' + text.replace('"', '\\"') + '"'


def _printable(text: str) -> str:
    """Control characters, line separators and bidirectional overrides as escapes."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
