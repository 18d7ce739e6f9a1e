"""Why a record passes a filter, or does not: the same decisions as `filter_compiler`, told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kafka_lambda_sink.core.schema import Struct
from kafka_lambda_sink.transforms.filter_compiler import compile_leaf, has_any
from kafka_lambda_sink.transforms.filter_conditions import as_json
from kafka_lambda_sink.transforms.filter_tree import Every, Leaf
from kafka_lambda_sink.transforms.filter_values import BODY, Unfit, child, elements, scalars


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision, and those that it follows from."""

    #: What it is about: `filter`, `pattern 2`, a field's path, `$or`, `alternative 1`, an element's path.
    about: str
    passes: bool
    #: Of a field: the list of its pattern, as JSON. None of the others.
    wanted: str | None = None
    #: What the record has there, as JSON or in words.
    found: str | None = None
    children: tuple[Explanation, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The document of `explain --json`."""
        fields = {"about": self.about, "passes": self.passes, "wanted": self.wanted, "found": self.found}
        shown: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        return {**shown, "children": [one.as_json() for one in self.children]} if self.children else shown


def explain_patterns(patterns: Sequence[Every], seen: dict[str, Any]) -> Explanation:
    """Of patterns in their normal form, on the parts of a record."""
    return _any("filter", [_all(f"pattern {number}", one, seen, "") for number, one in enumerate(patterns, 1)])


def _any(about: str, children: Sequence[Explanation]) -> Explanation:
    return Explanation(about=about, passes=any(one.passes for one in children), children=tuple(children))


def _all(about: str, pattern: Every, node: object, place: str) -> Explanation:
    """Of an object; `place` is its path, which `about` need not be."""
    children = (
        *(_leaf(leaf, child(node, name), _join(place, name)) for name, leaf in pattern.leaves.items()),
        *(_inside(inner, child(node, name), _join(place, name)) for name, inner in pattern.objects.items()),
        *(_choice(choice, node, place) for choice in pattern.choices),
    )
    return Explanation(about=about, passes=all(one.passes for one in children), children=children)


def _choice(alternatives: Sequence[Every], node: object, place: str) -> Explanation:
    children = [_all(f"alternative {number}", one, node, place) for number, one in enumerate(alternatives, 1)]
    return _any(_join(place, "$or"), children)


def _leaf(leaf: Leaf, node: object, place: str) -> Explanation:
    if isinstance(node, Unfit) and not leaf.asks_for_presence:
        return _not_looked_at(node, place)
    wanted = f"[{', '.join(condition.text for condition in leaf.conditions)}]"
    return Explanation(about=place, passes=compile_leaf(leaf)(node), wanted=wanted, found=_show(node))


def _not_looked_at(node: Unfit, place: str) -> Explanation:
    because = f", and {node.because}" if node.because else ""
    return Explanation(about=place, passes=True, found=f"not looked at: it is {node.form}{because}")


def _inside(pattern: Every, node: object, place: str) -> Explanation:
    if isinstance(node, Unfit):
        return _not_looked_at(node, place)
    if isinstance(node, (dict, Struct)):
        return _all(place, pattern, node, place)
    if isinstance(node, list):
        return _array(pattern, node, place)
    found = f"{_show(node)}, which is no object: its fields count as absent"
    return Explanation(about=place, passes=pattern.accepts_absence, found=found)


def _array(pattern: Every, array: list[Any], place: str) -> Explanation:
    """With the object that it passes by; where there is none, with every one that has to do with the pattern."""
    accepts_absence = pattern.accepts_absence
    objects = [
        _all(f"{place}[{index}]", pattern, element, f"{place}[{index}]")
        for index, element in enumerate(elements(array))
        if isinstance(element, (dict, Struct)) and (not accepts_absence or has_any(pattern, element))
    ]
    matching = [one for one in objects if one.passes][:1]
    passes = bool(matching) or (accepts_absence and not objects)
    return Explanation(about=place, passes=passes, found="an array", children=tuple(matching or objects))


def _show(node: object) -> str:
    if isinstance(node, (dict, Struct)):
        return "an object, which is no value: it counts as absent"
    if isinstance(node, Unfit):
        return node.form
    values = list(scalars(node))
    if isinstance(node, list):
        return f"[{', '.join(map(_text, values))}]" if values else "an array without values: it counts as absent"
    return _text(values[0]) if values else "absent"


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else as_json(value)


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name.removesuffix(BODY)
