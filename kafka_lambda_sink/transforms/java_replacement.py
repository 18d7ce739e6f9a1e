"""Replacement texts of Java's regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

#: A letter or digit is ASCII here, as in Java.
_PART: Final = re.compile(
    r"\\(?P<sign>.)|\$(?P<digits>[0-9]+)|\$\{(?P<name>[A-Za-z][A-Za-z0-9]*)\}|(?P<text>[^$\\]+)", re.DOTALL
)


def compile_java_replacement(text: str, pattern: re.Pattern[str]) -> Callable[[re.Match[str]], str]:
    r"""What Java puts in the place of a match: `$1` and `${name}` are its groups, a backslash takes a sign as it is.

    Source: java.util.regex.Matcher.appendReplacement. A group that took no part is empty. Raises ValueError where Java
    raises at the first match: a group that the pattern has not, a `$` or a backslash without what belongs to it.
    """
    parts = tuple(_parts(text, pattern))

    def expand(found: re.Match[str]) -> str:
        return "".join([part if isinstance(part, str) else found[part] or "" for part in parts])

    return expand


def _parts(text: str, pattern: re.Pattern[str]) -> Iterator[str | int]:
    """Texts, and numbers of groups."""
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise ValueError(r"the replacement has a $ or a \ with nothing after it that belongs to it; write \$ or \\")
        at = part.end()
        name, digits = part["name"], part["digits"]
        if digits is not None:
            number, length = _group(digits, pattern.groups)
            yield number
            yield digits[length:]
        elif name is not None:
            if name not in pattern.groupindex:
                raise ValueError(f"the replacement has ${{{name}}}, but the pattern has no group of this name")
            yield pattern.groupindex[name]
        else:
            yield part["sign"] or part["text"]


def _group(digits: str, groups: int) -> tuple[int, int]:
    """The number of the group, and how many digits it takes: as many as there is a group for."""
    number, length = int(digits[0]), 1
    if number > groups:
        raise ValueError(f"the replacement has ${number}, but the pattern has {groups} groups")
    while length < len(digits) and number * 10 + int(digits[length]) <= groups:
        number = number * 10 + int(digits[length])
        length += 1
    return number, length
