"""The tokens of a header's text: `Values.Parser` of Kafka Connect (org.apache.kafka.connect.data, 4.1)."""

from __future__ import annotations

import re
from typing import Final

_DELIMITERS: Final = frozenset(':,{}[]"')
#: Finds one.
has_delimiter: Final = re.compile(r'[:,{}\[\]"]').search
#: What `String.trim` takes away.
_BLANK: Final = "".join(map(chr, range(0x21)))


def trim(text: str) -> str:
    """Java's `String.trim`."""
    return text.strip(_BLANK)


class Tokens:
    """A text cut at its delimiters, those escaped by a backslash excepted; escapes are left in the tokens."""

    __slots__ = ("_index", "_next", "previous", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._index = 0
        #: A token that was looked at and not taken.
        self._next: str | None = None
        #: The token that was taken last by `take`.
        self.previous: str | None = None

    def mark(self) -> int:
        """Where the next token starts, to be given to `rewind`."""
        return self._index - (0 if self._next is None else len(self._next))

    def rewind(self, mark: int) -> None:
        """Go back."""
        self._index = mark
        self._next = self.previous = None

    def has_next(self) -> bool:
        """Whether anything is left."""
        return self._next is not None or self._index < len(self.text)

    def take(self) -> str:
        """The next token."""
        token, self._next = self._next, None
        self.previous = self._consume() if token is None else token
        return self.previous

    def take_text(self, count: int) -> str | None:
        """The text of the next `count` tokens; None, and none of them taken, where there are fewer."""
        start = self.mark()
        for _ in range(count):
            if not self.has_next():
                self.rewind(start)
                return None
            self.take()
        return self.text[start : self._index]

    def peek(self) -> str | None:
        """The next token without the blanks around it; blank tokens before it are gone then. None at the end."""
        if self._next is None:
            if not self.has_next():
                return None
            self._next = self._consume()
        token = trim(self._next)
        while not token and self._index < len(self.text):
            self._next = self._consume()
            token = trim(self._next)
        return token

    def skip(self, expected: str) -> bool:
        """Take the next token if it is this one, with the blanks around it."""
        if self.peek() != expected:
            return False
        self._next = None
        return True

    def _consume(self) -> str:
        text, start, escaped = self.text, self._index, False
        while self._index < len(text):
            char = text[self._index]
            if char in _DELIMITERS and not escaped:
                # A delimiter is a token of its own.
                self._index = max(self._index, start + 1)
                break
            escaped = char == "\\" and not escaped
            self._index += 1
        return text[start : self._index]
