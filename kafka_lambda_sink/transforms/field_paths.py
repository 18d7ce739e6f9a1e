"""Paths to fields of keys and values: `customer.name`, `items.sku`, `key.id`, `*`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from kafka_lambda_sink.transforms.target import Target

#: Any field of one level.
ANY: Final = "*"

_PART: Final = re.compile(r"(?:[^.\\]|\\.)+")
_ESCAPED: Final = re.compile(r"\\(.)")
_SIDES: Final = {"key": Target.KEY, "value": Target.VALUE}


@dataclass(slots=True)
class PathNode:
    """One level of a set of paths."""

    children: dict[str, PathNode] = field(default_factory=dict)
    #: What a path that ends here asks for, or None.
    mark: object = None


def parse_path(text: str) -> tuple[Target, tuple[str, ...]]:
    r"""The side of the record, and the names down to the field.

    `key.` and `value.` choose the side, `value` where neither is said. A dot in a name is written `\.`, a backslash
    `\\`. Raises ValueError for what is no path.
    """
    parts = _PART.findall(text)
    if not text or ".".join(parts) != text:
        raise ValueError(f"`{text}` is not a path: names with dots between them")
    side = _SIDES.get(parts[0]) if len(parts) > 1 else None
    names = tuple(_ESCAPED.sub(r"\1", part) for part in (parts[1:] if side else parts))
    return side or Target.VALUE, names


def add_paths(roots: dict[Target, PathNode], paths: Iterable[str], mark: object) -> None:
    """Add paths that ask for the same. Raises ValueError for what is no path, and for one that asks for two things."""
    for text in paths:
        side, names = parse_path(text)
        node = roots.setdefault(side, PathNode())
        for name in names:
            node = node.children.setdefault(name, PathNode())
        if node.mark not in {None, mark}:
            raise ValueError(f"`{text}` is asked for twice, with different ends")
        node.mark = mark


def below(nodes: Sequence[PathNode], name: str) -> list[PathNode]:
    """What the paths say of the field `name` one level below."""
    return [child for node in nodes for key in (name, ANY) if (child := node.children.get(key)) is not None]
