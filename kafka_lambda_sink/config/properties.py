"""Files of settings: Java properties, and the JSON that Connect's REST API takes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import javaproperties
from javaproperties import InvalidUEscapeError, KeyValue

from kafka_lambda_sink.config.settings import Setting
from kafka_lambda_sink.core.errors import Problem

_LINE_END = re.compile(r"\r\n|\r|\n")
#: A `\u` that four hexadecimal digits do not follow, after an even number of backslashes.
_BAD_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u(?![0-9A-Fa-f]{4})")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file says, and what is wrong with it as a file."""

    #: In the order of the file; of a key that stands twice only the last, as in Java.
    settings: list[Setting]
    problems: list[Problem]
    warnings: list[Problem]


def read_settings(path: Path, *, from_worker: bool = False) -> SettingsFile:
    """Read a properties file, or JSON when its first character is a brace. Never raises: see `problems`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        problem = Problem(
            key=None,
            message=f"cannot be read: {error.strerror or error}",
            error_id="unreadable-file",
            source=str(path),
        )
        return SettingsFile([], [problem], [])
    text = _decode(raw)
    parse = parse_json if text.lstrip().startswith("{") else parse_properties
    return parse(text, str(path), from_worker=from_worker)


def _decode(raw: bytes) -> str:
    """UTF-8, as most files are written; else ISO-8859-1, as Java reads them."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def parse_properties(text: str, source: str, *, from_worker: bool = False) -> SettingsFile:
    """Parse Java's properties syntax: escapes, continued lines, comments, `=`, `:` or blank as separator.

    A setting's line is the first of its logical line.
    """
    problems: list[Problem] = []
    while True:
        entries: list[Setting] = []
        line = 1
        try:
            for element in javaproperties.parse(text):
                if isinstance(element, KeyValue):
                    key, value = element.key, element.value
                    entries.append(Setting(key=key, value=value, source=source, line=line, from_worker=from_worker))
                line += len(_LINE_END.findall(element.source))
        except InvalidUEscapeError:
            at, text = _without_bad_escape(text, line)
            message = "`\\u` is not followed by four hexadecimal digits"
            hint = "Write \\\\ for one backslash"
            problems.append(
                Problem(key=None, message=message, error_id="invalid-escape", source=source, line=at, hint=hint)
            )
        else:
            return _last_of_each(entries, problems)


def _without_bad_escape(text: str, first_line: int) -> tuple[int, str]:
    """Line of the first bad escape at or after `first_line`, and the text without its backslash."""
    start = 0
    for number, end in enumerate(_LINE_END.finditer(text), start=1):
        if number == first_line:
            break
        start = end.end()
    match = _BAD_ESCAPE.search(text, start)
    if match is None:  # the parser found one: it must be there
        raise AssertionError("no bad escape")
    backslash = match.end() - 2
    return len(_LINE_END.findall(text, 0, backslash)) + 1, text[:backslash] + text[backslash + 1 :]


def _last_of_each(entries: list[Setting], problems: list[Problem]) -> SettingsFile:
    last: dict[str, Setting] = {}
    warnings = []
    for setting in entries:
        earlier = last.pop(setting.key, None)
        if earlier is not None:
            place = f" (line {setting.line})" if setting.line else ""
            warnings.append(earlier.problem("duplicate-key", f"stands again below{place}, and the last one counts"))
        last[setting.key] = setting
    return SettingsFile(list(last.values()), problems, warnings)


def parse_json(text: str, source: str, *, from_worker: bool = False) -> SettingsFile:
    """Parse `{"name": …, "config": {…}}` or a bare object of keys and values, as Connect's REST API takes them."""
    try:
        document = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        problem = Problem(key=None, message=f"is not JSON: {error}", error_id="invalid-json", source=source, line=line)
        return SettingsFile([], [problem], [])
    if not isinstance(document, _Pairs):
        problem = Problem(key=None, message="is no JSON object", error_id="invalid-json", source=source, line=1)
        return SettingsFile([], [problem], [])
    pairs = list(document)
    config = next((value for key, value in pairs if key == "config" and isinstance(value, _Pairs)), None)
    if config is not None:
        pairs = [(key, value) for key, value in pairs if key == "name"] + list(config)
    problems: list[Problem] = []
    entries = []
    for key, value in pairs:
        setting = Setting(
            key=key, value=_as_text(value), source=source, line=_line_of(key, text), from_worker=from_worker
        )
        if isinstance(value, list):  # _Pairs too
            problems.append(setting.problem("invalid-value", "must be a string, number or boolean"))
        elif value is not None:
            entries.append(setting)
    return _last_of_each(entries, problems)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys as they stand, doubles included."""


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def _line_of(key: str, text: str) -> int | None:
    """Where the key stands last (the one that counts), in the spelling of JSON."""
    found = [match.start() for match in re.finditer(re.escape(json.dumps(key)) + r"\s*:", text)]
    return len(_LINE_END.findall(text, 0, found[-1])) + 1 if found else None
