"""References that a file cannot resolve by itself: `${NAME}` in values, asked for by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: Not those of our config providers, which are resolved when the connector starts.
_REFERENCE: Final = re.compile(r"\$\{(?!(?:env|file|dir):)([^{}]+)\}")
#: A colon would be a config provider's.
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_./-]+")


def placeholder(name: str) -> str:
    """`${NAME}`; `Fn::ImportValue` becomes `Fn.ImportValue`, and what names may not have becomes `_`."""
    return f"${{{_STRANGE.sub('_', name.replace('::', '.')).strip('_') or 'value'}}}"


def names_in(text: str) -> list[str]:
    """The names of the references in a value."""
    return _REFERENCE.findall(text)


def replace(text: str, answers: Mapping[str, str]) -> str:
    """The value with those references replaced that have an answer."""
    return _REFERENCE.sub(lambda found: answers.get(found[1], found[0]), text)


def replace_in(value: Any, answers: Mapping[str, str]) -> Any:
    """The same for everything that is in a value."""
    if isinstance(value, str):
        return replace(value, answers)
    if isinstance(value, list):
        return [replace_in(item, answers) for item in value]
    if isinstance(value, Mapping):
        return {key: replace_in(item, answers) for key, item in value.items()}
    return value
