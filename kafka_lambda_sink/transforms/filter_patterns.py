"""`aws.lambda.filter.patterns`: which records go to the function, in the words of AWS's event filters.

Source: AWS, "Control which events Lambda sends to your function" (lambda/latest/dg/invocation-eventfiltering.html).
What AWS leaves open is as aws/event-ruler 2.1 does it; where we differ on purpose, docs/filters.md says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.filter_compiler import compile_fields
from kafka_lambda_sink.transforms.filter_explanation import Explanation, explain_patterns
from kafka_lambda_sink.transforms.filter_syntax import read_patterns
from kafka_lambda_sink.transforms.filter_tree import Every
from kafka_lambda_sink.transforms.filter_values import BODY, body, headers, plain

_BODIES: Final = {"value": f"value{BODY}", "key": f"key{BODY}"}

_PARTS: Final[dict[str, Callable[[SinkRecord], object]]] = {
    "value": lambda record: plain(record.value),
    "key": lambda record: plain(record.key),
    "headers": headers,
    "topic": attrgetter("topic"),
    "partition": attrgetter("partition"),
    "offset": attrgetter("offset"),
    "timestamp": attrgetter("timestamp"),
    _BODIES["value"]: lambda record: body(record.value),
    _BODIES["key"]: lambda record: body(record.key),
}


class Filter:
    """Whether a record goes to the function: one of the patterns matches. A `core.sink_record.Predicate`."""

    def __init__(self, patterns: Sequence[Every]) -> None:
        self._patterns = [_with_bodies(pattern) for pattern in patterns]
        self._matchers = [compile_fields(pattern) for pattern in self._patterns]
        needed = frozenset().union(*(pattern.names for pattern in self._patterns))
        self._see = _viewer([(name, part) for name, part in _PARTS.items() if name in needed])

    def __call__(self, record: SinkRecord) -> bool:
        """Whether one of the patterns matches. Raises nothing."""
        seen = self._see(record)
        for matches in self._matchers:  # noqa: SIM110 - any() costs a generator, and this is the hot path
            if matches(seen):
                return True
        return False

    def explain(self, record: SinkRecord) -> Explanation:
        """Why it passes or does not. Holds values of the record: for the one who asked, never for a log."""
        return explain_patterns(self._patterns, self._see(record))

    def __repr__(self) -> str:
        """How many patterns; they themselves may be long."""
        return f"<Filter of {len(self._patterns)} patterns>"


def compile_filter(text: str) -> Filter:
    """The filter of the property's text. Raises FilterPatternError, a ValueError, with every problem in it."""
    return Filter(read_patterns(text))


def _with_bodies(pattern: Every) -> Every:
    return Every(
        leaves=pattern.leaves,
        objects={_BODIES.get(name, name): inner for name, inner in pattern.objects.items()},
        choices=tuple(tuple(_with_bodies(one) for one in choice) for choice in pattern.choices),
    )


def _viewer(parts: Sequence[tuple[str, Callable[[SinkRecord], object]]]) -> Callable[[SinkRecord], dict[str, Any]]:
    """What takes of a record the parts that the patterns speak of."""
    if len(parts) == 1:
        ((name, part),) = parts
        return lambda record: {name: part(record)}
    return lambda record: {name: part(record) for name, part in parts}
