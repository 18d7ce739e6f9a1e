"""Names of functions, as the Invoke API takes them."""

from __future__ import annotations

import re
from typing import NamedTuple

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, FunctionName and Qualifier
_FUNCTION = re.compile(
    r"(?:(?P<arn>arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+):(?P<account>\d{12}):function:)"
    r"|(?:(?P<partial_account>\d{12}):)?function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]{1,128}))?"
)


class FunctionName(NamedTuple):
    """The parts of a function's name."""

    #: Name without account, region and qualifier.
    name: str
    #: Alias or version, or None.
    qualifier: str | None
    #: Region of the ARN, or None.
    region: str | None
    #: Account of the ARN or partial ARN, or None.
    account: str | None


def parse_function_name(text: str) -> FunctionName:
    """Split a name, ARN or partial ARN. Raises ValueError."""
    match = _FUNCTION.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            "not a function: write name, name:alias, account:function:name or "
            "arn:aws:lambda:region:account:function:name (letters, digits, - and _, up to 64)"
        )
    return FunctionName(
        name=match["name"],
        qualifier=match["qualifier"],
        region=match["region"],
        account=match["account"] or match["partial_account"],
    )


def checked_function_name(text: str) -> str:
    """The same, without spaces around. Raises ValueError as `parse_function_name`."""
    parse_function_name(text)
    return text.strip()
