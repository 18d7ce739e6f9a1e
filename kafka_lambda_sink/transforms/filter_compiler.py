"""Filter trees to functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kafka_lambda_sink.core.schema import Struct
from kafka_lambda_sink.transforms.filter_conditions import Check
from kafka_lambda_sink.transforms.filter_tree import Every, Leaf
from kafka_lambda_sink.transforms.filter_values import ABSENT, PLAIN, Unfit, child, elements, scalar, scalars

#: Of a field's value, or ABSENT.
Matcher: TypeAlias = Callable[[Any], bool]

_NO_SCALARS: Final = (list, dict, Struct, type(ABSENT), Unfit)


def compile_leaf(leaf: Leaf) -> Matcher:
    """Whether one condition holds for one scalar of a field."""
    holds = _any_of(leaf)
    accepts_absence = leaf.accepts_absence
    asks_for_presence = leaf.asks_for_presence

    def matches(node: Any) -> bool:
        if type(node) in PLAIN:
            return holds(node)
        if not isinstance(node, _NO_SCALARS):
            return holds(scalar(node))
        if type(node) is Unfit:
            # What is unfit is there, and not null: the checks of presence say so.
            return holds(node) if asks_for_presence else True
        found = False
        for value in scalars(node):
            if holds(value):
                return True
            found = True
        return accepts_absence and not found

    return matches


def _any_of(leaf: Leaf) -> Check:
    strings = frozenset(one.string for one in leaf.conditions if one.string is not None)
    checks = [one.check for one in leaf.conditions if one.string is None and not one.accepts_absence]
    if strings:
        checks.insert(0, lambda value: type(value) is str and value in strings)
    # Each call costs as much as what it decides.
    if len(checks) == 1:
        return checks[0]
    return lambda value: any(check(value) for check in checks)


def compile_every(pattern: Every) -> Matcher:
    """Whether all holds for an object, or for one object of an array. Takes a pattern in its normal form."""
    of_object = compile_fields(pattern)
    of_array = compile_array(pattern, of_object)
    accepts_absence = pattern.accepts_absence

    def matches(node: Any) -> bool:
        if type(node) is dict:
            return of_object(node)
        if isinstance(node, list):
            return of_array(node)
        if isinstance(node, (dict, Struct)):
            return of_object(node)
        return accepts_absence or type(node) is Unfit

    return matches


def compile_fields(pattern: Every) -> Matcher:
    """Whether all holds for this object."""
    fields = (
        *((name, compile_leaf(leaf)) for name, leaf in pattern.leaves.items()),
        *((name, compile_every(inner)) for name, inner in pattern.objects.items()),
    )
    choices = tuple(tuple(compile_fields(one) for one in choice) for choice in pattern.choices)

    def matches(node: Any) -> bool:
        if type(node) is dict:
            get = node.get
            for name, matcher in fields:
                if not matcher(get(name, ABSENT)):
                    return False
        else:
            for name, matcher in fields:
                if not matcher(child(node, name)):
                    return False
        for alternatives in choices:
            for alternative in alternatives:
                if alternative(node):
                    break
            else:
                return False
        return True

    return matches


def compile_array(pattern: Every, of_object: Matcher) -> Matcher:
    """Whether one object of an array has all that is wanted, which `of_object` knows of one.

    What a pattern without demands (`exists: false`) wants is that no object has any of its fields: an object that
    merely has nothing to do with the pattern proves nothing. Source: event-ruler, where absence is of the whole array.
    """

    def one_has_all(array: list[Any]) -> bool:
        for element in elements(array):  # noqa: SIM110 - any() costs a second generator
            if isinstance(element, (dict, Struct)) and of_object(element):
                return True
        return False

    def none_has_any(array: list[Any]) -> bool:
        concerned = [element for element in elements(array) if has_any(pattern, element)]
        return any(map(of_object, concerned)) if concerned else True

    return none_has_any if pattern.accepts_absence else one_has_all


def has_any(pattern: Every, node: object) -> bool:
    """Whether the object has a scalar in a field that the pattern asks for."""
    if isinstance(node, list):
        return any(has_any(pattern, element) for element in node)
    if not isinstance(node, (dict, Struct)):
        return False
    return (
        any(_has_scalar(child(node, name)) for name in pattern.leaves)
        or any(has_any(inner, child(node, name)) for name, inner in pattern.objects.items())
        or any(has_any(one, node) for choice in pattern.choices for one in choice)
    )


def _has_scalar(node: object) -> bool:
    return next(scalars(node), ABSENT) is not ABSENT
