"""`check` as a process: what it says of a schema registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run
from tests.support.registry_gate import registry_gate
from tests.support.schema_registry import ApicurioRegistry


@pytest.fixture
def found(tmp_path: Path) -> Any:
    def check(url: str, *options: str) -> dict[str, Any]:
        path = tmp_path / "sink.properties"
        path.write_text(
            "name=orders\nbootstrap.servers=127.0.0.1:1\ntopics=orders\naws.lambda.function.name=orders\n"
            "aws.lambda.region=us-east-1\naws.lambda.endpoint.url=http://127.0.0.1:1\naws.access.key.id=AKIALOCAL\n"
            f"aws.secret.access.key=secret\nvalue.converter=avro\nvalue.converter.schema.registry.url={url}\n",
            encoding="utf-8",
        )
        document = json.loads(run("check", "--config", path, "--output", "json", *options).stdout)
        (finding,) = [each for each in document["findings"] if each["check"] == "schema-registry"]
        assert isinstance(finding, dict)
        return finding

    return check


def test_a_registry_that_answers_is_fine(found: Any, schema_registry: ApicurioRegistry):
    assert (found(schema_registry.url)["status"], found(schema_registry.url)["subject"]) == ("ok", "value")


def test_a_registry_that_is_away_or_refuses_us_fails_with_a_hint(found: Any):
    away = found("http://127.0.0.1:1")
    assert (away["status"], away["error_id"]) == ("failed", "SchemaRegistryUnavailable")
    assert "value.converter.schema.registry.url" in away["hint"]
    with registry_gate(lambda _, __: (401, b"{}")) as gate:
        refused = found(gate.url)
    assert refused["status"] == "failed"
    assert "value.converter.basic.auth" in refused["hint"]


def test_offline_it_is_not_asked(found: Any):
    assert found("http://127.0.0.1:1", "--offline")["status"] == "skipped"
