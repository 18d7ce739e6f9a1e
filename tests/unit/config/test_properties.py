from pathlib import Path

import pytest

from kafka_lambda_sink.config.properties import parse_json, parse_properties, read_settings


def entries(text: str) -> list[tuple[str, str, int | None]]:
    return [(setting.key, setting.value, setting.line) for setting in parse_properties(text, "f").settings]


def test_javas_syntax_whole():
    text = "# comment\n! comment\r\n\na=1\r  b : 2 \nc 3\nd\\ e\\=f = x\\\n    y\\u00e9\\tz\nempty\npath=c:\\\\dir\n"
    assert entries(text) == [
        ("a", "1", 4),
        ("b", "2 ", 5),
        ("c", "3", 6),
        ("d e=f", "xyé\tz", 7),
        ("empty", "", 9),
        ("path", "c:\\dir", 10),
    ]


def test_of_a_key_that_stands_twice_the_last_counts_and_the_first_is_warned_of():
    read = parse_properties("a=1\nb=2\na=3\n", "f")
    assert [(setting.key, setting.value, setting.line) for setting in read.settings] == [("b", "2", 2), ("a", "3", 3)]
    (warning,) = read.warnings
    assert (warning.key, warning.line, warning.error_id) == ("a", 1, "duplicate-key")


def test_every_bad_escape_is_told_with_its_line_and_the_rest_is_still_read():
    read = parse_properties("a=\\u12\nb=\\\\u12\nc=x\\\n  \\uzz\nd=1\n# \\u in a comment\n", "f")
    assert [(problem.line, problem.error_id) for problem in read.problems] == [
        (1, "invalid-escape"),
        (4, "invalid-escape"),
    ]
    assert [(setting.key, setting.line) for setting in read.settings] == [("a", 1), ("b", 2), ("c", 3), ("d", 5)]


@pytest.mark.parametrize("raw", ["a=é\n".encode(), "a=é\n".encode("iso-8859-1"), b"\xef\xbb\xbfa=\xc3\xa9\n"])
def test_utf_8_and_javas_encoding_are_both_read(tmp_path: Path, raw: bytes):
    path = tmp_path / "f.properties"
    path.write_bytes(raw)
    assert [(setting.key, setting.value) for setting in read_settings(path).settings] == [("a", "é")]


def test_json_as_connects_rest_api_takes_it(tmp_path: Path):
    path = tmp_path / "f.json"
    path.write_text(
        '{\n "name": "n",\n "config": {\n  "a": 1,\n  "b": true,\n  "c": "x",\n  "d": null,\n  "e": 1.50\n }\n}'
    )
    assert [(setting.key, setting.value, setting.line) for setting in read_settings(path).settings] == [
        ("name", "n", 2),
        ("a", "1", 4),
        ("b", "true", 5),
        ("c", "x", 6),
        ("e", "1.50", 8),
    ]


def test_json_without_an_envelope_is_the_configuration_itself():
    assert [setting.key for setting in parse_json('{"name": "n", "topics": "t"}', "f").settings] == ["name", "topics"]


@pytest.mark.parametrize(
    ("text", "error_id", "line"),
    [
        ('{"a": {"b": 1}}', "invalid-value", 1),
        ('{"a": [1]}', "invalid-value", 1),
        ('{\n"a": }', "invalid-json", 2),
        ("{" * 100_000, "invalid-json", 1),
    ],
)
def test_json_that_is_no_configuration(text: str, error_id: str, line: int | None):
    (problem,) = parse_json(text, "f").problems
    assert (problem.error_id, problem.line) == (error_id, line)


def test_a_deep_document_is_a_problem_and_no_crash():
    assert [problem.error_id for problem in parse_json('{"a":' * 100_000, "f").problems] == ["invalid-json"]


def test_values_do_not_show():
    assert "canary" not in repr(parse_properties("a=canary\n", "f"))
