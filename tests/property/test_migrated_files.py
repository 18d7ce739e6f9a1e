"""The file that `migrate` writes says what was migrated: nothing more, whatever stands in texts of others."""

import json

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.config.properties import parse_properties
from kafka_lambda_sink.migration.dialects import candidates
from kafka_lambda_sink.migration.migration import Migration, MigrationError
from kafka_lambda_sink.migration.parsers import parse_yaml
from kafka_lambda_sink.migration.properties_text import properties_text
from kafka_lambda_sink.migration.references import names_in, placeholder, replace
from tests.support.migrations import SAMPLES

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
text |= st.text(st.sampled_from("ab=#:! \\\n\r\t\f\u0085$\u2028{}é"), max_size=12)
key = st.text(st.sampled_from("ab.-=:#! \\\t"), min_size=1, max_size=8)


@given(st.dictionaries(key, text), st.lists(st.tuples(text, text, st.lists(st.tuples(key, text)))), text)
def test_settings_come_back_and_comments_stay_comments(settings, decisions, source):
    migration = Migration("a dialect", "title")
    migration.settings |= settings
    for about, question, proposals in decisions:
        migration.ask(about, question, *proposals)
    read = parse_properties(properties_text(migration, source), "sink.properties")
    assert read.problems == []
    assert {setting.key: setting.value for setting in read.settings} == settings


@given(text)
def test_a_reference_is_found_and_replaced_by_its_name(name):
    reference = placeholder(name)
    (found,) = names_in(f"a{reference}b")
    assert replace(f"a{reference}b", {found: "x"}) == "axb"
    assert placeholder(found) == reference


@given(
    st.sampled_from([path for path in sorted(SAMPLES.iterdir()) if path.suffix in {".json", ".yaml", ".yml"}]),
    st.data(),
)
def test_a_file_of_any_shape_is_migrated_or_told_about(path, data):
    document = parse_yaml(path.read_text())
    steps = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=7))
    spoilt = spoil(document, steps, data.draw(leaf))
    try:
        found = [each.migrate({}, None) for each in candidates("a.json", json.dumps(spoilt, default=str))]
    except MigrationError:
        return
    for migration in found:
        assert parse_properties(properties_text(migration, "a"), "a").problems == []


leaf = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), text, st.just([]), st.just({}), st.just(["x"]))


def spoil(node, steps, instead):
    """The document with another value where `steps` lead."""
    if not steps or not node or not isinstance(node, (dict, list)):
        return instead
    at = steps[0] % len(node)
    if isinstance(node, list):
        return [spoil(item, steps[1:], instead) if number == at else item for number, item in enumerate(node)]
    return {
        key: spoil(value, steps[1:], instead) if number == at else value
        for number, (key, value) in enumerate(node.items())
    }
