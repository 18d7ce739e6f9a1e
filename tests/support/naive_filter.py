"""Filter patterns read straight from their definition, slowly: what the compiled ones are compared with.

A pattern is written out into its combinations without `$or`, an event into every way of picking one object from each
of its arrays; the pattern matches when some combination holds for some pick. `exists: false` is only right where no
array holds objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

_COMPARE = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "=": lambda one, other: one == other,
}
#: Path of a field to the list of its pattern.
Combination = dict[tuple[str, ...], list[Any]]


def naively_matches(pattern: dict[str, Any], event: object) -> bool:
    """Whether a pattern of AWS's syntax, valid, matches a JSON value."""
    picks = list(_picks(event))
    return any(
        all(_field(conditions, _scalars_at(pick, path)) for path, conditions in combination.items())
        for combination in _combinations(pattern, ())
        for pick in picks
    )


def _combinations(pattern: dict[str, Any], path: tuple[str, ...]) -> list[Combination]:
    parts: list[list[Combination]] = []
    for name, wanted in pattern.items():
        if name == "$or":
            parts.append([one for alternative in wanted for one in _combinations(alternative, path)])
        elif isinstance(wanted, dict):
            parts.append(_combinations(wanted, (*path, name)))
        else:
            parts.append([{(*path, name): wanted}])
    return [{key: it for one in chosen for key, it in one.items()} for chosen in product(*parts)]


def _picks(node: object) -> Iterator[object]:
    """The node with each array as (its scalars, one of its objects)."""
    if isinstance(node, dict):
        for values in product(*(list(_picks(value)) for value in node.values())):
            yield dict(zip(node, values, strict=True))
    elif isinstance(node, list):
        flat = list(_flat(node))
        scalars = [element for element in flat if not isinstance(element, dict)]
        objects = [pick for element in flat if isinstance(element, dict) for pick in _picks(element)]
        yield from ((scalars, one) for one in objects or [None])
    else:
        yield node


def _flat(array: list[Any]) -> Iterator[object]:
    for element in array:
        if isinstance(element, list):
            yield from _flat(element)
        else:
            yield element


def _scalars_at(node: Any, path: tuple[str, ...]) -> list[object]:
    for name in path:
        if isinstance(node, tuple):
            node = node[1]
        if not isinstance(node, dict) or name not in node:
            return []
        node = node[name]
    if isinstance(node, tuple):
        return list(node[0])
    return [] if isinstance(node, dict) else [node]


def _field(conditions: list[Any], scalars: list[object]) -> bool:
    if not scalars:
        return {"exists": False} in conditions
    return any(_holds(condition, scalar) for condition in conditions for scalar in scalars)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _exact(value: Any) -> Fraction:
    return Fraction(repr(value))


def _same(one: object, other: object) -> bool:
    if _is_number(one) and _is_number(other):
        return _exact(one) == _exact(other)
    return type(one) is type(other) and one == other


def _holds(condition: Any, value: Any) -> bool:
    if not isinstance(condition, dict):
        return _same(condition, value)
    ((operator, argument),) = condition.items()
    if operator == "exists":
        return bool(argument)
    if operator == "anything-but":
        return not any(_holds(one, value) for one in _excepted(argument))
    if operator == "numeric":
        bounds = zip(argument[::2], argument[1::2], strict=True)
        return _is_number(value) and all(_COMPARE[how](_exact(value), _exact(bound)) for how, bound in bounds)
    return isinstance(value, str) and _text_holds(operator, argument, value)


def _excepted(argument: Any) -> list[Any]:
    if isinstance(argument, dict):
        ((operator, texts),) = argument.items()
        return [{operator: text} for text in (texts if isinstance(texts, list) else [texts])]
    return argument if isinstance(argument, list) else [argument]


def _text_holds(operator: str, argument: Any, value: str) -> bool:
    if operator == "cidr":
        try:
            return ip_address(value) in ip_network(argument, strict=False)
        except ValueError:
            return False
    if operator == "wildcard":
        parts = re.findall(r"\\.|.", argument, re.DOTALL)
        expression = "".join(".*" if part == "*" else re.escape(part[-1]) for part in parts)
        return re.fullmatch(expression, value, re.DOTALL) is not None
    if isinstance(argument, dict):
        (argument,) = argument.values()
        # Only ASCII is generated: elsewhere, how letters are folded is for the golden table to say.
        return _text_holds(operator, argument.lower(), value.lower())
    if operator == "equals-ignore-case":
        return bool(value.lower() == argument.lower())
    at_end = str.startswith if operator == "prefix" else str.endswith
    return at_end(value, argument)
