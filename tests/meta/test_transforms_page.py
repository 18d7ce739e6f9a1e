"""What docs/transforms.md shows is a configuration, and it names what there is."""

import re
from pathlib import Path

import pytest

from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.transforms.catalog import predicate_names, transform_names
from tests.support.config_text import FIVE
from tests.support.own_package import put_example

PAGE = (Path(__file__).parents[2] / "docs" / "transforms.md").read_text(encoding="utf-8")
EXAMPLES = [
    "".join(line.strip() + "\n" for line in block.splitlines())
    for block in re.findall(r"(?:^ {4}\S.*\n)+", PAGE, re.MULTILINE)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("\n", 1)[0])
def test_the_examples_are_configurations(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(put_example(tmp_path)))
    path = tmp_path / "sink.properties"
    path.write_text(FIVE + example, encoding="utf-8")
    loaded = load(path, worker=None, overrides={}, environ={"FIELDS_SALT": "0123456789abcdef"})
    assert {setting.key for setting in loaded.used} >= {line.split("=")[0] for line in example.splitlines()}


def test_there_are_examples():
    assert len(EXAMPLES) == 4


def test_all_transforms_and_predicates_are_named():
    named = set(re.findall(r"\w+", PAGE))
    assert named >= {name.split("$")[0] for name in [*transform_names(), *predicate_names()]}
