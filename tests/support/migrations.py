"""Files of other connectors and triggers, and how tests migrate them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from kafka_lambda_sink.migration.dialects import candidates
from kafka_lambda_sink.migration.migration import Migration
from kafka_lambda_sink.migration.properties_text import properties_text

SAMPLES = Path(__file__).parents[1] / "data" / "migrations"
#: By a part of the reference's name: what a person would answer.
_ANSWERS = {
    "var.broker": "broker.example.com",
    "Arn": "price-orders",
    "function_name": "price-orders",
    "BATCH_SIZE": "5",
}
_NONE: Mapping[str, str] = MappingProxyType({})
_BROKER = "broker.example.com:9092"


class Sample(NamedTuple):
    """One connector or trigger of a file."""

    file: str
    title: str


def samples() -> list[Sample]:
    """All of the folder."""
    return [
        Sample(path.name, found.title)
        for path in sorted(SAMPLES.iterdir())
        for found in candidates(path.name, path.read_text())
    ]


def migrated(sample: Sample, group: str | None = None, **answers: str) -> Migration:
    """One of them, with these answers to its references."""
    text = (SAMPLES / sample.file).read_text()
    (found,) = [each for each in candidates(sample.file, text) if each.title == sample.title]
    return found.migrate({name.replace("__", "."): value for name, value in answers.items()}, group)


def migrate_file(path: Path, answers: Mapping[str, str] = _NONE) -> Migration:
    """The one connector of a file."""
    (found,) = candidates(path.name, path.read_text())
    return found.migrate(answers, None)


def answered(sample: Sample, group: str | None = None) -> Migration:
    """With an answer to everything that it asks for by name."""
    names = [each.about[2:-1] for each in migrated(sample).decisions if each.about.startswith("${")]
    answers = {name: next((value for part, value in _ANSWERS.items() if part in name), _BROKER) for name in names}
    return migrated(sample, group, **{name.replace(".", "__"): value for name, value in answers.items()})


def written(migration: Migration, directory: Path) -> Path:
    """The file that `migrate` writes."""
    path = directory / "sink.properties"
    path.write_text(properties_text(migration, "a test"), encoding="utf-8")
    return path
