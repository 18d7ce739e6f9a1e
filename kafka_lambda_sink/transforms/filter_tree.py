"""What a filter pattern says, as a tree; and its normal form, in which arrays mean what AWS means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, product
from math import prod

from kafka_lambda_sink.transforms.filter_conditions import Condition


class AskedTwice(ValueError):
    """A field has two lists in one combination of alternatives. The message is its name."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A list: one of its conditions holds for one of the field's scalars."""

    conditions: tuple[Condition, ...]

    @property
    def accepts_absence(self) -> bool:
        """Whether a field that is not there will do."""
        return any(condition.accepts_absence for condition in self.conditions)

    @property
    def asks_for_presence(self) -> bool:
        """Whether it asks for nothing else."""
        return all(condition.asks_for_presence for condition in self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """An object: all that it says holds for one object."""

    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    objects: Mapping[str, Every] = field(default_factory=dict)
    #: Each `$or`: one of its alternatives holds. In the normal form, none of them names a field of another or of ours.
    choices: tuple[tuple[Every, ...], ...] = ()

    @property
    def combinations(self) -> int:
        """How many patterns without `$or` say the same."""
        inside = prod(inner.combinations for inner in self.objects.values())
        return inside * prod(sum(one.combinations for one in choice) for choice in self.choices)

    @property
    def accepts_absence(self) -> bool:
        """Whether an object without any of the fields will do."""
        return (
            all(leaf.accepts_absence for leaf in self.leaves.values())
            and all(inner.accepts_absence for inner in self.objects.values())
            and all(any(one.accepts_absence for one in choice) for choice in self.choices)
        )

    @property
    def names(self) -> frozenset[str]:
        """The fields that it speaks of, alternatives included."""
        inside = (one.names for choice in self.choices for one in choice)
        return frozenset(chain(self.leaves, self.objects, *inside))


def normal_form(pattern: Every) -> Every:
    """The same, but all that is said of one field is said in one place.

    `{"d": {"a": [1]}, "$or": [{"d": {"b": [2]}}, …]}` wants one element of the array `d` to have both a and b. Where
    parts of an object share a field, their combinations are written out; elsewhere `$or` stays. Raises AskedTwice.
    """
    own = frozenset(chain(pattern.leaves, pattern.objects))
    shared = Counter(chain(own, *(frozenset().union(*(one.names for one in choice)) for choice in pattern.choices)))
    if pattern.choices and max(shared.values()) > 1:
        fields = Every(leaves=pattern.leaves, objects=pattern.objects)
        combined = (reduce(_both, combination, fields) for combination in product(*pattern.choices))
        return Every(choices=(tuple(normal_form(one) for one in combined),))
    return Every(
        leaves=pattern.leaves,
        objects={name: normal_form(inner) for name, inner in pattern.objects.items()},
        choices=tuple(tuple(normal_form(one) for one in choice) for choice in pattern.choices),
    )


def _both(one: Every, other: Every) -> Every:
    twice = one.leaves.keys() & other.leaves.keys()
    if twice:
        raise AskedTwice(min(twice))
    objects = dict(one.objects)
    for name, inner in other.objects.items():
        objects[name] = _both(objects[name], inner) if name in objects else inner
    return Every(leaves={**one.leaves, **other.leaves}, objects=objects, choices=(*one.choices, *other.choices))
