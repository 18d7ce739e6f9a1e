"""The patterns of `java.text.SimpleDateFormat` (JDK 17), taken apart."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

#: Letters that stand for a number of at least as many digits as letters.
NUMBERS: Final = frozenset("yYMLwWDdFuHkKhmsS")
#: Names of these are read and written.
NAMES: Final = frozenset("GEaML")
ZONES: Final = frozenset("zZX")

_PART: Final = re.compile(
    r"''|'(?P<quoted>[^'](?:[^']|'')*)'|(?P<letters>(?P<letter>[A-Za-z])(?P=letter)*)|(?P<text>[^A-Za-z']+)"
)
#: More letters in a row are names, `MMM`, not numbers.
_MOST_OF_A_NUMBER: Final = 2
_MOST_OF_AN_ISO_ZONE: Final = 3


class DateField(NamedTuple):
    """Letters of one kind."""

    letter: str
    length: int

    @property
    def is_number(self) -> bool:
        """Whether it is digits, not a name."""
        return self.letter in NUMBERS and (self.letter not in NAMES or self.length <= _MOST_OF_A_NUMBER)


#: Fields and the texts between them.
DatePattern: TypeAlias = list["DateField | str"]


def parse_date_pattern(pattern: str) -> DatePattern:
    """Raises ValueError for what Java refuses."""
    parts: DatePattern = []
    position = 0
    while position < len(pattern):
        found = _PART.match(pattern, position)
        if found is None:
            raise ValueError(f"`{pattern}` has a quote without an end")
        position = found.end()
        if found["letters"]:
            parts.append(_field(pattern, found["letter"], len(found["letters"])))
            continue
        # Two quotes are one, within a quotation as without.
        text = found["text"] or (found["quoted"] or "'").replace("''", "'")
        before = parts[-1] if parts else None
        if isinstance(before, str):
            parts[-1] = before + text
        else:
            parts.append(text)
    return parts


def _field(pattern: str, letter: str, length: int) -> DateField:
    if letter not in NUMBERS | NAMES | ZONES:
        letters = ", ".join(sorted(NUMBERS | NAMES | ZONES))
        raise ValueError(f"`{letter}` in `{pattern}` is no letter of a date: there are {letters}; quote text with '")
    if letter == "X" and length > _MOST_OF_AN_ISO_ZONE:
        raise ValueError(f"`{pattern}` has more than three X in a row")
    return DateField(letter, length)
