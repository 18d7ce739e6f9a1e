import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kafka_lambda_sink.cli.main import command
from tests.support.config_text import FIVE

ORDER = {
    "topic": "orders",
    "offset": 7,
    "key": "k-1",
    "value": {"type": "order", "items": [{"sku": "A", "qty": 1}, {"sku": "B", "qty": 2}], "total": 12.5},
    "headers": {"trace": "t"},
}


def explain(patterns: object, record: object = ORDER, *arguments: str) -> Result:
    text = patterns if isinstance(patterns, str) else json.dumps(patterns)
    given = record if isinstance(record, (str, bytes)) else json.dumps(record)
    return CliRunner().invoke(command, ["explain", "--filter", text, "--record", "-", *arguments], input=given)


def test_a_record_that_passes_is_explained_as_a_tree():
    result = explain(
        [
            {"topic": ["invoices"]},
            {
                "value": {"items": {"sku": ["B"]}, "total": [{"numeric": [">", 12]}]},
                "$or": [{"key": ["x"]}, {"offset": [7]}],
            },
        ]
    )
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "passes by pattern 2",
        "  ✗ pattern 1",
        '    ✗ topic: "orders" does not match ["invoices"]',
        "  ✓ pattern 2",
        "    ✓ value",
        '      ✓ value.total: 12.5 matches [{"numeric":[">",12]}]',
        "      ✓ value.items: an array",
        "        ✓ value.items[1]",
        '          ✓ value.items[1].sku: "B" matches ["B"]',
        "    ✓ $or",
        "      ✗ alternative 1",
        '        ✗ key: "k-1" does not match ["x"]',
        "      ✓ alternative 2",
        "        ✓ offset: 7 matches [7]",
    ]


def test_a_record_that_is_filtered_out_ends_with_1():
    result = explain({"headers": {"trace": [{"exists": False}]}})
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "filtered out: no pattern matches"
    assert '✗ headers.trace: "t" does not match [{"exists":false}]' in result.stdout


def test_json_has_every_decision():
    result = explain({"topic": ["orders"]}, ORDER, "--json")
    assert json.loads(result.stdout) == {
        "about": "filter",
        "passes": True,
        "children": [
            {
                "about": "pattern 1",
                "passes": True,
                "children": [{"about": "topic", "passes": True, "wanted": '["orders"]', "found": '"orders"'}],
            }
        ],
    }


def test_patterns_and_record_may_be_files(tmp_path: Path):
    (tmp_path / "patterns.json").write_text('[{"Pattern": "{\\"key\\": [\\"k-1\\"]}"}]')
    (tmp_path / "record.json").write_text(json.dumps(ORDER))
    arguments = ["explain", "--filter", str(tmp_path / "patterns.json"), "--record", str(tmp_path / "record.json")]
    assert CliRunner().invoke(command, arguments).exit_code == 0


def test_what_is_not_looked_at_says_so():
    result = explain({"value": {"type": ["order"]}, "topic": ["orders"]}, {"topic": "orders", "value": "plain"})
    assert result.exit_code == 0
    assert "    ✓ value: not looked at: it is plain text, and the pattern asks for fields" in result.stdout.splitlines()


PATTERNS = 'aws.lambda.filter.patterns=[{"value": {"type": ["refund"]}}, \\\n  {"key": ["k-1"]}]\n'


def explain_configured(tmp_path: Path, patterns: str, *arguments: str, before: tuple[str, ...] = ()) -> Result:
    config = tmp_path / "sink.properties"
    config.write_text(FIVE + patterns)
    (tmp_path / "record.json").write_text(json.dumps(ORDER))
    named = ["--record", str(tmp_path / "record.json"), *arguments]
    if before:
        return CliRunner().invoke(command, ["--config", str(config), *before, "explain", *named])
    return CliRunner().invoke(command, ["explain", "--config", str(config), *named])


def test_patterns_may_be_those_of_a_configuration(tmp_path: Path):
    result = explain_configured(tmp_path, PATTERNS)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "passes by pattern 2"


def test_a_configuration_may_be_named_before_the_command_and_changed_on_it(tmp_path: Path):
    change = ("--set", 'aws.lambda.filter.patterns={"key": ["x"]}')
    assert explain_configured(tmp_path, PATTERNS, before=change).exit_code == 1


def test_a_filter_wins_over_a_configuration(tmp_path: Path):
    assert explain_configured(tmp_path, PATTERNS, "--filter", '{"key": ["x"]}').exit_code == 1
    assert explain_configured(tmp_path, "name", "--filter", '{"key": ["k-1"]}').exit_code == 0


@pytest.mark.parametrize("patterns", ["", "aws.lambda.filter.patterns= \n"])
def test_without_patterns_every_record_passes(tmp_path: Path, patterns: str):
    result = explain_configured(tmp_path, patterns)
    assert (result.exit_code, result.stdout) == (0, "no filter: every record passes\n")
    result = explain_configured(tmp_path, patterns, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"about": "no filter", "passes": True})


def test_a_configuration_that_is_wrong_is_refused(tmp_path: Path):
    result = explain_configured(tmp_path, 'aws.lambda.filter.patterns={"valu": ["x"], "key": 5}\n')
    place = f"error: {tmp_path / 'sink.properties'}:6: aws.lambda.filter.patterns: pattern 1: "
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"{place}valu: no part of a record. Did you mean value?",
        f"{place}key: neither a list nor an object. Write [5]",
    ]


def test_one_of_filter_and_configuration_is_required():
    result = CliRunner().invoke(command, ["explain", "--record", "-"], input="{}")
    assert result.exit_code == 2
    assert "Missing option '--filter' or '--config'." in result.stderr


def test_a_header_may_stand_there_twice():
    headers = [{"name": "tag", "value": "a"}, {"name": "tag", "value": "b"}]
    assert explain({"headers": {"tag": ["b"]}}, {"headers": headers}).exit_code == 0


def test_an_empty_record_has_null_as_its_value():
    assert explain({"value": [None]}, {}).exit_code == 0


def test_long_values_and_arrays_are_cut():
    items = [{"sku": "x" * 500} for _ in range(30)]
    result = explain({"value": {"items": {"sku": ["y"]}}}, {"value": {"items": items}})
    assert "… 20 more" in result.stdout
    assert max(map(len, result.stdout.splitlines())) < 200


def test_every_problem_of_the_patterns_is_told():
    result = explain({"valu": ["x"], "key": 5})
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "error: pattern 1: valu: no part of a record. Did you mean value?",
        "error: pattern 1: key: neither a list nor an object. Write [5]",
    ]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "the record is not JSON: "),
        (b"\xff", "- is not UTF-8: "),
        ("[]", "the record is no object: it has key, value, "),
        ({"vale": 1}, "the record has an unknown 'vale': known are key, value, "),
        ({"offset": "7"}, "offset of the record is an integer"),
        ({"topic": 7}, "topic of the record is text"),
        ({"headers": 7}, "headers are an object or a list"),
        ({"headers": ["a"]}, 'a header in a list is {"name": …, "value": …}'),
    ],
    ids=str,
)
def test_what_is_no_record_is_refused(record, message):
    result = explain({"value": ["x"]}, record)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {message}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    result = explain(str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path / 'none.json'}: No such file or directory\n"
