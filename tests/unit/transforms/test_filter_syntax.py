import json

import pytest

from kafka_lambda_sink.transforms.filter_syntax import MAX_COMBINATIONS, FilterPatternError, read_patterns


def problems(patterns: object) -> list[tuple[str, str, str | None]]:
    text = patterns if isinstance(patterns, str) else json.dumps(patterns)
    with pytest.raises(FilterPatternError) as caught:
        read_patterns(text)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [(one.place, one.message, one.hint) for one in caught.value.problems]


def problem(patterns: object) -> str:
    ((place, message, hint),) = problems(patterns)
    return f"{place} | {message} | {hint}"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"value": {"a": {"b": 5}}}, "pattern 1: value.a.b | neither a list nor an object | Write [5]"),
        (
            {"value": {"a": {"prefix": "x"}}},
            'pattern 1: value.a.prefix | neither a list nor an object | An operator stands in a list: [{"prefix":"x"}]',
        ),
        (
            {"value": {"a": ["x", {"prefx": "x"}]}},
            (
                'pattern 1: value.a[1] | unknown operator "prefx" | Known are prefix, suffix, equals-ignore-case, '
                "wildcard, anything-but, numeric, exists, cidr"
            ),
        ),
        (
            {"value": {"a": [{"prefix": "x", "suffix": "y"}]}},
            (
                "pattern 1: value.a[0] | 2 operators in one object | Operators that are alternatives stand in an "
                "object each; a range of numbers is one numeric"
            ),
        ),
        (
            {"value": {"a": [{"numeric": ["<", 7, ">", 5]}]}},
            (
                "pattern 1: value.a[0] | numeric takes an operator and a number, or a range | For example "
                '["=", 5], ["<", 10], [">", 0, "<=", 5]; the lower bound comes first'
            ),
        ),
        (
            {"value": {"a": [{"wildcard": "a**"}]}},
            "pattern 1: value.a[0] | wildcard has consecutive asterisks | One does; a literal one is \\*",
        ),
        ({"value": {"a": []}}, 'pattern 1: value.a | an empty list | For an empty text: [""]; for null: [null]'),
        ({"valu": ["x"]}, "pattern 1: valu | no part of a record | Did you mean value?"),
        (
            {"data": ["x"]},
            (
                "pattern 1: data | no part of a record | A pattern speaks of value, key, headers, topic, partition, "
                'offset, timestamp; fields of the value stand in {"value": {…}}'
            ),
        ),
        ({"headers": ["x"]}, 'pattern 1: headers | a list | Headers have names: {"headers": {"name": ["value"]}}'),
        ({"topic": {"a": ["x"]}}, 'pattern 1: topic | an object | It is one value: {"topic": [value]}'),
        ({"topic": "x"}, 'pattern 1: topic | neither a list nor an object | Write ["x"]'),
        ({"$or": [{"key": ["x"]}]}, "pattern 1: $or | $or takes a list of two or more objects | None"),
        (
            {"value": {"$or": [{"a": [1]}, {"b": [{"exists": 1}]}]}},
            "pattern 1: value.$or[1].b[0] | exists takes true or false | None",
        ),
        (
            {"value": {"$or": [{"numeric": [">", 0]}, {"b": [1]}]}},
            "pattern 1: value.$or[0].numeric | numeric is an operator, and no field's name inside of $or | None",
        ),
        (
            {"key": ["k"], "$or": [{"key": ["l"]}, {"topic": ["t"]}]},
            (
                'pattern 1 | "key" has a list beside a $or and another inside | Repeat it in each alternative of the '
                "$or instead: AWS takes only one of the two"
            ),
        ),
        (
            '{"value": {"a": [1], "a": [2]}}',
            "pattern 1: value.a | stands there twice | JSON parsers keep only the last one",
        ),
        (
            {"Pattern": '{"value": '},
            "pattern 1 | the text of Pattern is not JSON: expecting value (line 1, column 11) | None",
        ),
    ],
    ids=str,
)
def test_a_problem_has_its_place_and_a_hint(pattern, expected):
    assert problem(pattern) == expected


@pytest.mark.parametrize(
    "text", ["", "[", "[NaN]", "nonsense", '{"value": ["x"]} {}', "[" * 100_000, "[1e99999999999999999999]"]
)
def test_what_is_not_json_is_said_to_be(text):
    assert problem(text).startswith(" | not JSON: ")


@pytest.mark.parametrize("text", ["[]", "5", "null", '"{}"', '{"Filters": []}', '{"Filters": 5}'])
def test_without_a_pattern_there_is_no_filter(text):
    assert problem(text).startswith(" | no pattern in it | Write a list of patterns")


@pytest.mark.parametrize("pattern", [5, "x", ["x"], None, {}, {"Pattern": 5}, {"Pattern": '"x"'}], ids=str)
def test_a_pattern_is_an_object(pattern):
    assert problem([{"value": ["x"]}, pattern]).startswith("pattern 2 | ")


def test_all_problems_are_told_at_once():
    found = problems(
        [
            {"value": {"a": [{"exists": 1}, {"cidr": "x"}], "b": 5}},
            {"value": ["fine"]},
            {"Pattern": '{"topik": ["x"], "key": [{"prefix": 1}]}'},
        ]
    )
    assert [place for place, _, _ in found] == [
        "pattern 1: value.a[0]",
        "pattern 1: value.a[1]",
        "pattern 1: value.b",
        "pattern 3: topik",
        "pattern 3: key[0]",
    ]


def choices(count: int) -> list[dict[str, list[int]]]:
    return [{f"f{count}_{number}": [number]} for number in range(count)]


def test_alternatives_may_multiply_to_what_aws_allows():
    fields = {"$or": choices(40), "a": {"$or": choices(25)}}
    (read,) = read_patterns(json.dumps({"value": fields}))
    assert read.combinations == MAX_COMBINATIONS
    message = problem({"value": {**fields, "b": {"$or": choices(2)}}})
    assert message == "pattern 1 | its $or make 2000 combinations, at most 1000 are allowed | None"


def test_a_pattern_may_be_as_deep_as_a_record():
    (read,) = read_patterns('{"value": ' + '{"a": ' * 197 + "[1]" + "}" * 198)
    assert read.combinations == 1
    assert problem('{"value": ' + '{"a": ' * 200 + "[1]" + "}" * 201).startswith(
        " | not JSON: it is nested deeper than 200"
    )


def test_half_of_a_surrogate_pair_is_a_text_like_others():
    read_patterns('{"value": [{"prefix": "\\ud800"}, "\\ud800"]}')
