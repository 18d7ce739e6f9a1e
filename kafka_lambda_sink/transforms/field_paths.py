"""Paths to fields of keys and values: `customer.name`, `items.sku`, `key.id`, `*`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kafka_lambda_sink.transforms.target import Target

#: Any field of one level.
ANY: Final = "*"

_PART: Final = re.compile(r"(?:[^.\\]|\\.)+")
_ESCAPED: Final = re.compile(r"\\(.)")
_SIDES: Final = {"key": Target.KEY, "value": Target.VALUE}


class Path(NamedTuple):
    """Where a field is, or fields are."""

    side: Target
    #: From the outside in: the names of fields, or ANY.
    names: tuple[str, ...]

    def holds(self, other: Path) -> bool:
        """Whether all that is at `other` is here, or within what is here."""
        return (
            self.side is other.side
            and len(self.names) <= len(other.names)
            and all(one in {ANY, another} for one, another in zip(self.names, other.names, strict=False))
        )

    def meets(self, other: Path) -> bool:
        """Whether a field may be at or within both."""
        return self.side is other.side and all(
            ANY in pair or pair[0] == pair[1] for pair in zip(self.names, other.names, strict=False)
        )


@dataclass(slots=True)
class PathNode:
    """One level of a set of paths."""

    #: How messages name it.
    path: str
    #: Whether it stands for whatever fields there are.
    is_any: bool = False
    children: dict[str, PathNode] = field(default_factory=dict)
    #: What a path that ends here asks for, or None.
    mark: object = None


def parse_path(text: str) -> Path:
    r"""The side of the record, and the names down to the field.

    `key.` and `value.` choose the side, `value` where neither is said. A dot in a name is written `\.`, a backslash
    `\\`. Raises ValueError for what is no path.
    """
    parts = _PART.findall(text)
    if not text or ".".join(parts) != text:
        raise ValueError(f"`{text}` is not a path: names with dots between them")
    side = _SIDES.get(parts[0]) if len(parts) > 1 else None
    names = tuple(_ESCAPED.sub(r"\1", part) for part in (parts[1:] if side else parts))
    return Path(side or Target.VALUE, names)


def add_paths(roots: dict[Target, PathNode], paths: Iterable[Path], mark: object) -> None:
    """Add paths that ask for the same."""
    for side, names in paths:
        node = roots.setdefault(side, PathNode(side.value.lower()))
        for name in names:
            node = node.children.setdefault(name, PathNode(f"{node.path}.{name}", is_any=name == ANY))
        node.mark = mark


def below(nodes: Sequence[PathNode], name: str) -> list[PathNode]:
    """What the paths say of the field `name` one level below."""
    return [child for node in nodes for key in (name, ANY) if (child := node.children.get(key)) is not None]
