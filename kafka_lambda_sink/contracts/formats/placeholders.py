"""`${topic}`, `${partition}` and `${connector}` in texts of the user's."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from kafka_lambda_sink.core.record import TopicPartition

#: What a text may name.
NAMES: Final = frozenset({"topic", "partition", "connector"})
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]*)\}")


def check_placeholders(text: str, names: Collection[str] = NAMES) -> None:
    """Raise ValueError for a placeholder that is none of `names`."""
    for match in _PLACEHOLDER.finditer(text):
        if match[1] not in names:
            known = ", ".join(f"${{{name}}}" for name in sorted(names))
            raise ValueError(f"{match[0]} is not known; there are {known}")


def values_of(tp: TopicPartition, connector: str) -> dict[str, str]:
    """What the names stand for in the payloads of one partition."""
    return {"topic": tp.topic, "partition": str(tp.partition), "connector": connector}


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text`, which was checked, with the values in their places; what they contain is not looked at again."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
