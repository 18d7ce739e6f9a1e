"""The golden tables: what Kafka Connect's own classes make of what. See tests/golden/README.md."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka_lambda_sink.core.schema import Schema
from kafka_lambda_sink.core.sink_record import SchemaAndValue, SinkRecord
from tests.support.notation import record_of, schema_of, value_of

_ROOT = Path(__file__).resolve().parents[2]
GOLDEN = _ROOT / "tests" / "golden"


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a table and what came of it."""

    id: str
    #: The case with what its table says for all.
    given: Mapping[str, Any]
    #: Java's outcome.
    outcome: Mapping[str, Any]

    def __str__(self) -> str:
        """Its name in the table."""
        return self.id

    @property
    def config(self) -> dict[str, str]:
        return dict(self.given.get("config", {}))

    @property
    def class_name(self) -> str:
        """Of the Java class."""
        name: str = self.given["class"]
        return name

    @property
    def fails(self) -> bool:
        """Whether the Java class raised an exception, at its configuration or with the record."""
        return "error" in self.outcome

    @property
    def fails_to_configure(self) -> bool:
        """Whether the Java class refused its configuration."""
        return self.outcome.get("error") == "org.apache.kafka.common.config.ConfigException"

    @property
    def raw(self) -> bytes | None:
        """The bytes given, of `json-read`, `convert` and `header`."""
        if "base64" in self.given:
            return base64.b64decode(self.given["base64"])
        text = self.given.get("text")
        return None if text is None else text.encode()

    @property
    def data(self) -> SchemaAndValue:
        """The schema and value given, of `json-write`."""
        return _data(self.given)

    @property
    def record(self) -> SinkRecord:
        """The record given, of `transform` and `predicate`."""
        return record_of(self.given["record"])

    @property
    def expected_data(self) -> SchemaAndValue:
        """Of `json-read`, `convert` and `header`."""
        return _data(self.outcome)

    @property
    def expected_record(self) -> SinkRecord | None:
        """Of `transform`; None for one that is dropped."""
        record = self.outcome["record"]
        return None if record is None else record_of(record)


def _data(node: Mapping[str, Any]) -> SchemaAndValue:
    schema: Schema | None = schema_of(node.get("schema"))
    return SchemaAndValue(schema, value_of(node.get("value"), schema))


def cases(name: str) -> list[Case]:
    """All cases of a table: `@pytest.mark.parametrize("case", cases("header"), ids=str)`."""
    table = json.loads((GOLDEN / "tables" / f"{name}.json").read_text(encoding="utf-8"))
    outcomes = json.loads((GOLDEN / "expected" / f"{name}.json").read_text(encoding="utf-8"))
    common = {key: it for key, it in table.items() if key not in {"cases", "texts"}}
    given = {key: {**common, **it} for key, it in table.get("cases", {}).items()}
    given |= {text: {**common, "text": text} for text in table.get("texts", [])}
    # A table that was changed without running scripts/golden.
    assert given.keys() == outcomes.keys()
    return [Case(key, it, outcomes[key]) for key, it in given.items()]


def regenerate(directory: Path) -> None:
    """Run the Java classes over every table, with the outcomes in `directory`. Takes seconds."""
    subprocess.run([_ROOT / "scripts" / "golden", "--to", directory], check=True)
