"""The words of a .proto source.

Source of the grammar: https://protobuf.dev/reference/protobuf/edition-2023-spec/
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, NoReturn

_TOKEN: Final = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>\.?[0-9](?:[eE][+-]|[\w.])*)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<symbol>[{}()\[\]<>=,;:.+/-])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPES: Final = r"[abfnrtv\\'\"]|[0-3]?[0-7]{1,2}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
_KNOWN_ESCAPES: Final = re.compile(rf"(?:[^\\]|\\(?:{_ESCAPES}))*", re.DOTALL)


def has_known_escapes(text: str) -> bool:
    """Whether the runtime can read every escape of a string, or of several amid other words."""
    return _KNOWN_ESCAPES.fullmatch(text) is not None


class ProtoSourceError(ValueError):
    """What is wrong with a .proto source, and in which line. Completes `which …`."""


class Token(NamedTuple):
    """A word, its kind (`string`, `number`, `name`, `symbol`, `end`) and where it begins."""

    kind: str
    text: str
    at: int


class Tokens:
    """A source, word by word. What does not fit raises ProtoSourceError."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._words = self._split(source.removeprefix("\ufeff"))
        self._next = 0

    @property
    def ahead(self) -> Token:
        """The word that comes next."""
        return self._words[self._next]

    def looks_at(self, *texts: str) -> bool:
        """Whether these are the words that come next; strings are none."""
        words = self._words[self._next : self._next + len(texts)]
        return len(words) == len(texts) and all(
            word.text == text and word.kind != "string" for word, text in zip(words, texts, strict=True)
        )

    def accept(self, text: str) -> bool:
        """Take the next word if it is this one."""
        found = self.looks_at(text)
        self._next += found
        return found

    def expect(self, text: str) -> None:
        """Take this word."""
        if not self.accept(text):
            self.refuse(f"`{text}` is missing")

    def take(self, kind: str) -> str:
        """Take a word of this kind."""
        word = self.ahead
        if word.kind != kind:
            self.refuse(f"a {kind} is missing")
        self._next += 1
        return word.text

    def any(self) -> Token:
        """Take whatever comes next, the end excepted."""
        word = self.ahead
        if word.kind == "end":
            self.refuse("it ends too early")
        self._next += 1
        return word

    def skip_block(self) -> None:
        """Take all from here to the end of the next `;`, or of the next braces."""
        depth = 0
        while True:
            word = self.any()
            if word.kind == "symbol":
                depth += {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}.get(word.text, 0)
                if depth <= 0 and word.text in ";}":
                    return

    def refuse(self, reason: str) -> NoReturn:
        """Raise, with the line of the next word."""
        raise self._error(reason, self.ahead.at)

    def _error(self, reason: str, at: int) -> ProtoSourceError:
        return ProtoSourceError(f"cannot be read: {reason} (line {self._source.count(chr(10), 0, at) + 1})")

    def _split(self, source: str) -> list[Token]:
        words: list[Token] = []
        at = 0
        while at < len(source):
            match = _TOKEN.match(source, at)
            if match is None or match.lastgroup is None:
                raise self._error("a character that no word begins with", at)
            if match.lastgroup != "blank":
                words.append(Token(match.lastgroup, match[0], at))
            at = match.end()
        return [*words, Token("end", "", at)]
