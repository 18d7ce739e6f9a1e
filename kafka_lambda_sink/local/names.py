"""Function names as the Invoke API takes them: name, `name:qualifier`, ARN, partial ARN.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The service model's `NamespacedFunctionName`.
PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_NAME = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9\-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9\-_]+))?"
)
_MAX_LENGTH = 256


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """What a caller named; None where the caller left it out."""

    name: str
    qualifier: str | None = None
    account: str | None = None
    region: str | None = None


def parse_function_name(text: str) -> FunctionReference | None:
    """The parts of a name that is no longer URL-encoded, or None when it is not a function name."""
    if len(text) > _MAX_LENGTH:
        return None
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    return FunctionReference(match["name"], match["qualifier"], match["account"], match["region"])
