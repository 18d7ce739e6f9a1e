"""What is wrong with a value, and where in it."""

from __future__ import annotations

from collections.abc import Sequence


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
