"""docs/migration.md is what the rules say, and they speak of keys that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kafka_lambda_sink.config.keys import attributes, client_key
from kafka_lambda_sink.migration import confluent, confluent_cloud, event_source_mapping, nordstrom

ROOT = Path(__file__).parents[2]
RULES = [*confluent.RULES, *confluent_cloud.RULES, *nordstrom.RULES, *event_source_mapping.RULES]
KEYS = sorted({key for rule in RULES for key in re.findall(r"[a-z][\w.]*\.\w+(?=,|$)", rule.ours)})


def test_is_what_the_rules_say():
    script = ROOT / "scripts" / "migration_reference.py"
    made = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "migration.md").read_text() == made, (
        "run scripts/migration_reference.py > docs/migration.md"
    )


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_ours_exists(key):
    assert key in attributes() or client_key(key) is not None


def test_no_setting_has_two_rules():
    for rules in (confluent.RULES, confluent_cloud.RULES, nordstrom.RULES, event_source_mapping.RULES):
        names = [rule.theirs for rule in rules]
        assert len(names) == len(set(names))
