"""The operators of filter patterns: one expression of a list to one condition on a scalar.

Source: AWS, "Filter rule syntax" (lambda/latest/dg/invocation-eventfiltering.html) and "Comparison operators"
(eventbridge/latest/userguide/eb-create-pattern-operators.html); aws/event-ruler 2.1 where those leave something open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from operator import ge, gt, le, lt
from typing import Any, Final, TypeAlias, TypeGuard

import msgspec

#: Of a scalar as `filter_values.scalar` gives it.
Check: TypeAlias = Callable[[object], bool]

_NUMBERS: Final = (int, Decimal)
_BOUNDS: Final[dict[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_LOWER: Final = frozenset({">", ">="})
#: What `anything-but` takes besides values.
_NEGATED: Final = frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard"})
_LONGEST_ADDRESS: Final = 45
_encode = msgspec.json.Encoder(decimal_format="number").encode


class ConditionFault(ValueError):
    """An expression that is none."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        #: What to write instead, or None.
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One expression of a list."""

    #: The expression as JSON.
    text: str
    check: Check
    #: A string to be equal to: checked for all such conditions of a list at once.
    string: str | None = None
    #: `{"exists": false}`.
    accepts_absence: bool = False
    #: `null` and `exists`, which every form of a value can answer.
    asks_for_presence: bool = False


def as_json(value: object) -> str:
    """Text of what was read from JSON, numbers exact."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape and Unicode cannot say
        return json.dumps(value, default=str)


def read_condition(expression: object) -> Condition:
    """Of a scalar, or of `{operator: argument}`. Raises ConditionFault."""
    match expression:
        case dict():
            return _read_operator(expression)
        case str():
            return Condition(text=as_json(expression), check=lambda value: value == expression, string=expression)
        case None:
            return Condition(text="null", check=lambda value: value is None, asks_for_presence=True)
        case bool():
            return Condition(text=as_json(expression), check=lambda value: value is expression)
        case int() | Decimal():
            return Condition(text=as_json(expression), check=_equals(expression))
        case _:
            raise ConditionFault("a list is no value", "The values of a list are alternatives; write them side by side")


def _read_operator(expression: dict[str, Any]) -> Condition:
    if len(expression) != 1:
        hint = "Operators that are alternatives stand in an object each; a range of numbers is one numeric"
        raise ConditionFault(f"{len(expression)} operators in one object", hint)
    ((operator, argument),) = expression.items()
    read = OPERATORS.get(operator)
    if read is None:
        raise ConditionFault(f"unknown operator {as_json(operator)}", f"Known are {', '.join(OPERATORS)}")
    accepts_absence = operator == "exists" and argument is False
    return Condition(
        text=as_json(expression),
        check=read(argument),
        accepts_absence=accepts_absence,
        asks_for_presence=operator == "exists",
    )


def _equals(number: int | Decimal) -> Check:
    return lambda value: type(value) in _NUMBERS and value == number


def _exists(argument: object) -> Check:
    if not isinstance(argument, bool):
        raise ConditionFault("exists takes true or false")
    return lambda _: argument


def _prefix(argument: object) -> Check:
    pattern = _cased(argument, "prefix")
    if isinstance(pattern, re.Pattern):
        return lambda value: type(value) is str and pattern.match(value) is not None
    return lambda value: type(value) is str and value.startswith(pattern)


def _suffix(argument: object) -> Check:
    pattern = _cased(argument, "suffix")
    if isinstance(pattern, re.Pattern):
        at_end = re.compile(rf"(?:{pattern.pattern})\Z")
        return lambda value: type(value) is str and at_end.search(value) is not None
    return lambda value: type(value) is str and value.endswith(pattern)


def _cased(argument: object, operator: str) -> str | re.Pattern[str]:
    match argument:
        case str():
            return argument
        case {"equals-ignore-case": str(text), **rest} if not rest:
            return _ignoring_case(text)
        case _:
            raise ConditionFault(f'{operator} takes a string, or {{"equals-ignore-case": a string}}')


def _ignoring_case(text: str) -> re.Pattern[str]:
    # Each character in its lower or its upper case, as event-ruler has it: no other foldings.
    either = (
        f"(?:{re.escape(one.lower())}|{re.escape(one.upper())})" if one.lower() != one.upper() else re.escape(one)
        for one in text
    )
    return re.compile("".join(either))


def _equals_ignore_case(argument: object) -> Check:
    if not isinstance(argument, str):
        raise ConditionFault("equals-ignore-case takes a string")
    pattern = _ignoring_case(argument)
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def _wildcard(argument: object) -> Check:
    if not isinstance(argument, str):
        raise ConditionFault("wildcard takes a string")
    first, *inner, last = _pieces(argument)
    if last is None:
        return lambda value: value == first
    shortest = len(first) + len(last)

    def check(value: object) -> bool:
        if type(value) is not str or len(value) < shortest or not (value.startswith(first) and value.endswith(last)):
            return False
        # Leftmost matches leave most to the rest, so nothing needs to be tried twice.
        at, end = len(first), len(value) - len(last)
        for piece in inner:
            at = value.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return check


def _pieces(pattern: str) -> tuple[Any, ...]:
    """The texts between the asterisks; (text, None) where there is none."""
    pieces = [""]
    parts = re.findall(r"\\.?|\*+|[^\\*]+", pattern, re.DOTALL)
    for part in parts:
        if part[0] == "*":
            if len(part) > 1:
                raise ConditionFault("wildcard has consecutive asterisks", r"One does; a literal one is \*")
            pieces.append("")
        elif part[0] == "\\":
            if part not in {"\\*", "\\\\"}:
                raise ConditionFault(
                    "wildcard has a backslash before something else than * or \\",
                    r"A literal backslash is \\, which JSON writes \\\\",
                )
            pieces[-1] += part[1]
        else:
            pieces[-1] += part
    return tuple(pieces) if len(pieces) > 1 else (pieces[0], None)


def _numeric(argument: object) -> Check:
    match argument:
        case ["=", number] if _is_number(number):
            return _equals(number)
        case [str(operator), number] if operator in _BOUNDS and _is_number(number):
            bound = _BOUNDS[operator]
            return lambda value: type(value) in _NUMBERS and bound(value, number)
        case [str(lower), low, str(upper), high] if (
            lower in _LOWER and upper in _BOUNDS and upper not in _LOWER and _is_number(low) and _is_number(high)
        ):
            if low >= high:
                raise ConditionFault("numeric has an empty range", 'One number is ["=", number]')
            above, below = _BOUNDS[lower], _BOUNDS[upper]
            return lambda value: type(value) in _NUMBERS and above(value, low) and below(value, high)
        case _:
            raise ConditionFault(
                "numeric takes an operator and a number, or a range",
                'For example ["=", 5], ["<", 10], [">", 0, "<=", 5]; the lower bound comes first',
            )


def _is_number(value: object) -> TypeGuard[int | Decimal]:
    return type(value) in _NUMBERS


def _cidr(argument: object) -> Check:
    if not isinstance(argument, str) or "/" not in argument:
        raise ConditionFault("cidr takes a block of addresses", 'For example "10.0.0.0/24" or "2001:db8::/32"')
    try:
        block = ip_network(argument, strict=False)
    except ValueError as error:
        raise ConditionFault(f"cidr: {error}") from None

    def check(value: object) -> bool:
        if type(value) is not str or len(value) > _LONGEST_ADDRESS:
            return False
        try:
            address: IPv4Address | IPv6Address = ip_address(value)
        except ValueError:
            return False
        return address in block

    return check


def _anything_but(argument: object) -> Check:
    """Source: event-ruler. Everything else passes, values of other types too; a field that is not there does not."""
    if isinstance(argument, dict):
        if len(argument) != 1 or not argument.keys() <= _NEGATED:
            raise ConditionFault("anything-but takes one of these operators: " + ", ".join(sorted(_NEGATED)))
        ((operator, texts),) = argument.items()
        return _none_of(operator, texts)
    values = argument if isinstance(argument, list) else [argument]
    if values and all(isinstance(value, str) for value in values):
        strings = frozenset(values)
        return lambda value: value not in strings
    if values and all(map(_is_number, values)):
        numbers = frozenset(values)
        return lambda value: type(value) not in _NUMBERS or value not in numbers
    raise ConditionFault(
        "anything-but takes strings or numbers, not both", 'For null, true and false: list what may be, or "exists"'
    )


def _none_of(operator: str, argument: object) -> Check:
    texts = argument if isinstance(argument, list) else [argument]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ConditionFault(f"anything-but {operator} takes a string or a list of strings")
    if operator in {"prefix", "suffix"} and "" in texts:
        raise ConditionFault(f"anything-but {operator} takes no empty string", "Nothing would pass")
    checks = [OPERATORS[operator](text) for text in texts]
    return lambda value: not any(check(value) for check in checks)


#: Each reads its argument, or raises ConditionFault.
OPERATORS: Final[dict[str, Callable[[object], Check]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "cidr": _cidr,
}
