"""Text of `aws.lambda.filter.patterns` to trees, every problem told at once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

from kafka_lambda_sink.converters.json_depth import MAX_DEPTH, is_too_deep
from kafka_lambda_sink.transforms.filter_conditions import OPERATORS, Condition, ConditionFault, as_json, read_condition
from kafka_lambda_sink.transforms.filter_tree import AskedTwice, Every, Leaf, normal_form

#: The parts of a record, and whether a pattern gives a list or an object for it.
ROOTS: Final = {
    "value": (list, dict),
    "key": (list, dict),
    "headers": (dict,),
    "topic": (list,),
    "partition": (list,),
    "offset": (list,),
    "timestamp": (list,),
}

#: AWS's limit on what the `$or` of a pattern multiply to.
MAX_COMBINATIONS: Final = 1000

_OR: Final = "$or"
_MIN_ALTERNATIVES: Final = 2
_FORMS: Final = 'Write a list of patterns, or AWS\'s form: [{"Pattern": "{\\"value\\": …}"}]'


@dataclass(frozen=True, slots=True)
class PatternProblem:
    """One thing that is wrong with the patterns."""

    #: `pattern 2: value.items.sku[0]`, numbered from 1, elements of lists from 0; empty for the whole text.
    place: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """`pattern 2: value.sku[0]: unknown operator "prefx". Known are …`."""
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text}. {self.hint}" if self.hint else text


class FilterPatternError(ValueError):
    """The patterns are invalid."""

    def __init__(self, problems: list[PatternProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        #: Every problem found, in the order of the text.
        self.problems = problems


class _Object(dict[str, Any]):
    """A JSON object that remembers which names stood in it twice."""

    twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    read = _Object(pairs)
    if len(read) < len(pairs):
        read.twice = tuple(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return read


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _parse(text: str) -> Any:
    if is_too_deep(text.encode(errors="surrogatepass")):
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg[0].lower()}{error.msg[1:]} (line {error.lineno}, column {error.colno})") from None
    except ArithmeticError:
        raise ValueError("a number is beyond every range") from None


def read_patterns(text: str) -> list[Every]:
    """The patterns of the property, in their normal form. Raises FilterPatternError.

    `text` is a JSON list of patterns, or of AWS's `{"Pattern": text of a pattern}`; a single one of either and AWS's
    whole `{"Filters": […]}` will do.
    """
    try:
        document = _parse(text)
    except ValueError as error:
        raise FilterPatternError([PatternProblem("", f"not JSON: {error}", _FORMS)]) from None
    if isinstance(document, dict):
        document = document["Filters"] if document.keys() == {"Filters"} else [document]
    if not isinstance(document, list) or not document:
        raise FilterPatternError([PatternProblem("", "no pattern in it", _FORMS)])
    problems: list[PatternProblem] = []
    patterns = [_PatternReader(f"pattern {number}", problems).read(one) for number, one in enumerate(document, 1)]
    if problems:
        raise FilterPatternError(problems)
    return [pattern for pattern in patterns if pattern is not None]


class _PatternReader:
    """Reads one pattern; what it cannot read is a problem, and left out."""

    def __init__(self, name: str, problems: list[PatternProblem]) -> None:
        self._name = name
        self._problems = problems

    def read(self, document: object) -> Every | None:
        """In its normal form; None where problems were added."""
        before = len(self._problems)
        if isinstance(document, dict) and document.keys() == {"Pattern"}:
            document = self._inner_text(document["Pattern"])
        if len(self._problems) > before:
            return None
        if not isinstance(document, dict):
            self._add("", "a pattern is an object", _FORMS)
            return None
        pattern = self._every(document, "", is_root=True, is_alternative=False)
        if len(self._problems) > before:
            return None
        if pattern.combinations > MAX_COMBINATIONS:
            self._add("", f"its $or make {pattern.combinations} combinations, at most {MAX_COMBINATIONS} are allowed")
            return None
        try:
            return normal_form(pattern)
        except AskedTwice as error:
            hint = "Repeat it in each alternative of the $or instead: AWS takes only one of the two"
            self._add("", f'"{error}" has a list beside a $or and another inside', hint)
            return None

    def _inner_text(self, text: object) -> object:
        if isinstance(text, dict):
            return text
        if not isinstance(text, str):
            self._add("", "Pattern is neither text nor an object", _FORMS)
            return None
        try:
            return _parse(text)
        except ValueError as error:
            self._add("", f"the text of Pattern is not JSON: {error}")
            return None

    def _every(self, fields: dict[str, Any], place: str, *, is_root: bool, is_alternative: bool) -> Every:
        if not fields:
            self._add(place, "an empty object", None if is_root else 'Whether a field is there: [{"exists": true}]')
        for name in getattr(fields, "twice", ()):
            self._add(_join(place, name), "stands there twice", "JSON parsers keep only the last one")
        leaves: dict[str, Leaf] = {}
        objects: dict[str, Every] = {}
        choices: list[tuple[Every, ...]] = []
        for name, wanted in fields.items():
            at = _join(place, name)
            if name == _OR:
                choices.append(self._choice(wanted, at, is_root=is_root))
            elif is_alternative and name in OPERATORS:
                self._add(at, f"{name} is an operator, and no field's name inside of $or")
            elif is_root and not self._is_root(name, wanted, at):
                continue
            elif isinstance(wanted, list):
                leaves[name] = self._leaf(wanted, at)
            elif isinstance(wanted, dict):
                objects[name] = self._every(wanted, at, is_root=False, is_alternative=is_alternative)
            else:
                self._add(at, "neither a list nor an object", _listed(name, wanted))
        return Every(leaves=leaves, objects=objects, choices=tuple(choices))

    def _is_root(self, name: str, wanted: object, at: str) -> bool:
        kinds = ROOTS.get(name)
        if kinds is None:
            close = get_close_matches(name, ROOTS, 1)
            known = f"A pattern speaks of {', '.join(ROOTS)}"
            hint = f"Did you mean {close[0]}?" if close else f'{known}; fields of the value stand in {{"value": {{…}}}}'
            self._add(at, "no part of a record", hint)
            return False
        if isinstance(wanted, (dict, list)) and not isinstance(wanted, kinds):
            if isinstance(wanted, list):
                self._add(at, "a list", 'Headers have names: {"headers": {"name": ["value"]}}')
            else:
                self._add(at, "an object", f'It is one value: {{"{name}": [value]}}')
            return False
        return True

    def _choice(self, alternatives: object, at: str, *, is_root: bool) -> tuple[Every, ...]:
        if not isinstance(alternatives, list) or len(alternatives) < _MIN_ALTERNATIVES:
            self._add(at, "$or takes a list of two or more objects")
            return ()
        read = []
        for index, alternative in enumerate(alternatives):
            if isinstance(alternative, dict):
                read.append(self._every(alternative, f"{at}[{index}]", is_root=is_root, is_alternative=True))
            else:
                self._add(f"{at}[{index}]", "an alternative of $or is an object")
        return tuple(read)

    def _leaf(self, expressions: list[Any], at: str) -> Leaf:
        if not expressions:
            self._add(at, "an empty list", 'For an empty text: [""]; for null: [null]')
        return Leaf(
            tuple(
                condition
                for index, expression in enumerate(expressions)
                if (condition := self._condition(expression, f"{at}[{index}]"))
            )
        )

    def _condition(self, expression: object, at: str) -> Condition | None:
        for name in getattr(expression, "twice", ()):
            self._add(at, f"{name} stands there twice")
        try:
            return read_condition(expression)
        except ConditionFault as fault:
            self._add(at, str(fault), fault.hint)
            return None

    def _add(self, place: str, message: str, hint: str | None = None) -> None:
        self._problems.append(PatternProblem(f"{self._name}: {place}" if place else self._name, message, hint))


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _listed(name: str, wanted: object) -> str:
    if name in OPERATORS:
        return f"An operator stands in a list: [{as_json({name: wanted})}]"
    return f"Write [{as_json(wanted)}]"
