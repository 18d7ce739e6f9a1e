"""What is made of schemas once, kept within bounds."""

from __future__ import annotations

from typing import Final, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

#: Entries, as many as Connect's `schemas.cache.size`; the one that came first goes first.
_MOST: Final = 1000


def keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """Put `value` into `kept`, and return it."""
    if len(kept) >= _MOST:
        kept.pop(next(iter(kept)), None)
    kept[key] = value
    return value
