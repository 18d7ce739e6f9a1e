"""What is wrong with a value, and where in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


class UnconvertibleError(ValueError):
    """A value that is not what it must be. The message holds nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: Names of fields, and indexes in arrays and in maps, from the outside in.
        self.path: list[str | int] = []


def place(part: str, path: Sequence[str | int]) -> str:
    """`value.lines[2].price`; `the value` for its whole."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return f"the {part}" if not steps else f"{part}{''.join(steps)}"


def converted(values: Iterable[Any], convert: Callable[[Any], object]) -> list[object]:
    """Each value converted; an UnconvertibleError gets its index."""
    items: list[object] = []
    try:
        for it in values:
            items.append(convert(it))  # noqa: PERF401 - its length is the index of what fails
    except UnconvertibleError as error:
        error.path.insert(0, len(items))
        raise
    return items
