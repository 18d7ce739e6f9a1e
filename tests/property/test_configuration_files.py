import javaproperties
from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.config.environment import property_of, variable_of
from kafka_lambda_sink.config.properties import parse_json, parse_properties

# Lone surrogates cannot be in a file; everything else can, escaped.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KEYS = TEXT.filter(bool)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
FILLER = st.lists(st.sampled_from(["", "   ", "# c", "! x=y", "\t#\\", "#a=b\\u"]), max_size=3)


@given(st.lists(st.tuples(FILLER, KEYS, TEXT), max_size=8, unique_by=lambda item: item[1]), NEWLINES)
def test_what_is_written_is_read_with_its_line(items: list[tuple[list[str], str, str]], newline: str):
    lines: list[str] = []
    expected = []
    for filler, key, value in items:
        lines += filler
        lines.append(javaproperties.join_key_value(key, value))
        expected.append((key, value, len(lines)))
    read = parse_properties(newline.join(lines), "f")
    assert [(setting.key, setting.value, setting.line) for setting in read.settings] == expected
    assert read.problems == []


@given(st.text(max_size=200))
def test_no_text_breaks_the_parsers(text: str):
    for parse in (parse_properties, parse_json):
        read = parse(text, "f")
        count = text.count("\n") + text.count("\r") + 1
        lines = [setting.line for setting in read.settings]
        lines += [problem.line for problem in (*read.problems, *read.warnings)]
        assert all(line is None or 1 <= line <= count for line in lines)


@given(st.lists(st.sampled_from("abé \\u0041=:#!\n\r\t"), max_size=60).map("".join))
def test_the_entries_are_those_of_the_library_where_it_reads_the_file(text: str):
    try:
        expected = javaproperties.loads(text)
    except javaproperties.InvalidUEscapeError:
        assert parse_properties(text, "f").problems
        return
    assert {setting.key: setting.value for setting in parse_properties(text, "f").settings} == expected


WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
NAMES = st.builds(
    lambda first, rest: first + "".join(separator + word for separator, word in rest),
    WORD,
    st.lists(st.tuples(st.sampled_from("._-"), WORD), max_size=6),
)


@given(NAMES)
def test_a_property_and_its_variable_name_each_other(name: str):
    variable = variable_of(name)
    assert variable.startswith("KLS_")
    assert variable.removeprefix("KLS_").replace("_", "a").isalnum()
    assert property_of(variable) == name


def test_the_documented_example():
    assert property_of("KLS_AWS_LAMBDA_BATCH_SIZE") == "aws.lambda.batch.size"
    assert property_of("KLS_A__B___C") == "a_b-c"
