"""The file that `migrate` writes says what was migrated: nothing more, whatever stands in texts of others."""

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.config.properties import parse_properties
from kafka_lambda_sink.migration.migration import Migration
from kafka_lambda_sink.migration.properties_text import properties_text
from kafka_lambda_sink.migration.references import names_in, placeholder, replace

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
