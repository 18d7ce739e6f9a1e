from pathlib import Path

import pytest

from kafka_lambda_sink.config.declaration import property_name
from kafka_lambda_sink.config.keys import attributes, declaration
from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.properties import parse_properties, read_settings
from kafka_lambda_sink.config.reference import entries, render_markdown, render_properties

ROOT = Path(__file__).parents[2]
UPDATE = "run `python -m kafka_lambda_sink.config.reference`"


@pytest.mark.parametrize(
    ("path", "rendered"),
    [("docs/configuration.md", render_markdown()), ("config/reference.properties", render_properties())],
)
def test_the_generated_reference_is_up_to_date(path: str, rendered: str):
    assert (ROOT / path).read_text(encoding="utf-8") == rendered, UPDATE


def test_every_property_is_documented():
    shown = [entry for _, group in entries() for entry in group]
    assert {entry.key for entry in shown} == {
        property_name(attribute, declaration(attribute)) for attribute in SinkConfig.model_fields
    }
    assert [entry.key for entry in shown if not entry.doc.endswith(".")] == []


def test_no_two_properties_share_a_key():
    names = [property_name(attribute, declaration(attribute)) for attribute in SinkConfig.model_fields]
    names += [alias for attribute in SinkConfig.model_fields for alias in declaration(attribute).aliases]
    assert len(names) == len(set(names)) == len(attributes())


def test_fifteen_properties_matter_most():
    important = [entry.key for _, group in entries(only_important=True) for entry in group]
    assert len(important) == 15
    assert {"name", "bootstrap.servers", "topics", "aws.lambda.function.name", "aws.lambda.region"} <= set(important)
    assert render_properties(only_important=True).count("\n\n") < render_properties().count("\n\n")


def test_the_reference_states_the_defaults_that_are_in_force():
    """Uncommented, the reference says what a sink without those lines does."""
    lines = render_properties().splitlines()
    stated = parse_properties("\n".join(line.removeprefix("#") for line in lines if not line.startswith("# ")), "f")
    values = {attributes()[setting.key]: setting.value for setting in stated.settings}
    required = {"name": "n", "bootstrap_servers": "b:1", "topics": "t", "aws_lambda_function_name": "f"}
    optional = {name: value or None for name, value in values.items() if name not in required}
    kept = {name: value for name, value in optional.items() if value is not None}
    assert SinkConfig.from_layers([kept, required]) == SinkConfig.from_layers([required])


@pytest.mark.parametrize("worker", [None, ROOT / "config" / "worker.properties"])
def test_the_sample_is_five_keys_that_load(worker: Path | None):
    sample = ROOT / "config" / "sink.properties"
    assert len(read_settings(sample).settings) == 5
    loaded = load(sample, worker=worker, environ={})
    assert loaded.warnings == []
    assert {key.key for key in loaded.ignored} == ({"bootstrap.servers"} if worker else set())


@pytest.mark.parametrize("name", ["sink.properties", "worker.properties"])
def test_the_commented_lines_of_the_samples_are_right_too(tmp_path: Path, name: str):
    text = (ROOT / "config" / name).read_text(encoding="utf-8")
    lines = [line if line.startswith("# ") else line.removeprefix("#") for line in text.splitlines()]
    # What the machine has not got: a trust store.
    kept = [line for line in lines if not line.startswith("ssl.truststore")]
    (tmp_path / name).write_text("\n".join(kept), encoding="utf-8")
    environ = {"KAFKA_USER": "u", "KAFKA_PASSWORD": "p"}
    sink = tmp_path / name if name == "sink.properties" else ROOT / "config" / "sink.properties"
    worker = tmp_path / name if name == "worker.properties" else None
    loaded = load(sink, worker=worker, environ=environ)
    assert loaded.warnings == []
    assert loaded.clients.fetcher["sasl.username"] == "u"
