"""A migration as the properties file that a person goes on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from kafka_lambda_sink.config.keys import attributes
from kafka_lambda_sink.migration.migration import Migration

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"})
_KEY_ESCAPES: Final = _ESCAPES | str.maketrans({each: f"\\{each}" for each in " =:#!"})


def properties_text(migration: Migration, source: str) -> str:
    """The whole file, in UTF-8: settings, then as comments what needs a decision. Ends with a line end."""
    lines = [f"# {migration.dialect}: from {_comment(source)}, by kafka-lambda-sink migrate.", ""]
    lines += [_line(key, migration.settings[key]) for key in _in_order(migration.settings)]
    if migration.decisions:
        lines += ["", "# Needs a decision", "#"]
        for decision in migration.decisions:
            lines.append(f"# {_comment(decision.about)}: {_comment(decision.question)}")
            lines += (f"#{_line(key, value)}" for key, value in decision.proposals)
    return "\n".join(lines) + "\n"


def _in_order(keys: Iterable[str]) -> Iterator[str]:
    """As the reference has them; what is the clients' or the transforms' comes last."""
    rank: Mapping[str, int] = {key: number for number, key in enumerate(attributes())}
    yield from sorted(keys, key=lambda key: (rank.get(key, len(rank)), key if key not in rank else ""))


def _line(key: str, value: str) -> str:
    text = value.translate(_ESCAPES)
    # Blanks at the beginning would be taken for the separator's.
    return f"{key.translate(_KEY_ESCAPES)}={chr(92) if text.startswith(' ') else ''}{text}"


def _comment(text: str) -> str:
    """On one line: nothing of it becomes a setting."""
    return " ".join(text.split())
