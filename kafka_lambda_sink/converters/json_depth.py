"""How deep JSON is nested, found out without a parser: parsers recurse, and a deep enough text ends the process."""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import Final

#: Levels of nesting that a key, a value or a reply may have.
MAX_DEPTH: Final = 200

#: A valid text of this length or less cannot be deeper than MAX_DEPTH: each level takes two bytes.
_ALWAYS_SHALLOW: Final = 2 * MAX_DEPTH + 1

#: Brackets as signed bytes: what each adds to the depth.
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_PAIR: Final = b"\x01\xff"
#: Rounds in which innermost pairs are taken away; most texts are used up by then.
_ROUNDS: Final = 4
_BUT_BRACKETS_AND_QUOTES: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')


def is_too_deep(text: bytes) -> bool:
    """Whether `text` may be nested more than MAX_DEPTH levels.

    Exact for valid JSON; of a text that is not JSON, False only says that no parser gets deeper than twice MAX_DEPTH
    before it finds the fault. Costs next to nothing where there are few brackets.
    """
    size = len(text)
    if size <= _ALWAYS_SHALLOW:
        return False
    # `replace` with a bound looks for the byte with memchr; `count` looks at every byte until Python 3.13.
    opened = size - len(text.replace(b"[", b"", MAX_DEPTH + 1).replace(b"{", b"", MAX_DEPTH + 1))
    return opened > MAX_DEPTH and _depth_exceeds_limit(text)


def _depth_exceeds_limit(text: bytes) -> bool:
    if b"\\" in text:
        # In this order: of three backslashes before a quote, the first two are one escaped backslash.
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes that meet are dropped together, which leaves what is inside and what is outside of strings as it is.
    steps = text.translate(_STEPS, _BUT_BRACKETS_AND_QUOTES).replace(b'""', b"")
    if b'"' in steps:
        # Every second part stood between quotes: a string, whose brackets are text.
        steps = b"".join(steps.split(b'"')[::2])
    # Each round takes one level off the deepest places, at a tenth of the price of summing up.
    for _ in range(_ROUNDS):
        steps = steps.replace(_PAIR, b"")
    return _ROUNDS + max(accumulate(array("b", steps)), default=0) > MAX_DEPTH
