import json
from typing import Any

import pytest

from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.filter_patterns import compile_filter
from tests.support.records import record


def explain(patterns: object, value: object) -> dict[str, Any]:
    one = SinkRecord(
        source=record(1),
        topic="orders",
        partition=0,
        key_schema=None,
        key=None,
        value_schema=None,
        value=value,
        timestamp=1,
    )
    return compile_filter(json.dumps(patterns)).explain(one).as_json()


def test_each_field_has_what_is_wanted_and_what_is_found():
    assert explain(
        [{"value": {"a": ["x", {"prefix": "y"}], "b": [{"exists": True}]}}, {"topic": ["t"]}], {"a": "yes"}
    ) == {
        "about": "filter",
        "passes": False,
        "children": [
            {
                "about": "pattern 1",
                "passes": False,
                "children": [
                    {
                        "about": "value",
                        "passes": False,
                        "children": [
                            {"about": "value.a", "passes": True, "wanted": '["x", {"prefix":"y"}]', "found": '"yes"'},
                            {"about": "value.b", "passes": False, "wanted": '[{"exists":true}]', "found": "absent"},
                        ],
                    }
                ],
            },
            {
                "about": "pattern 2",
                "passes": False,
                "children": [{"about": "topic", "passes": False, "wanted": '["t"]', "found": '"orders"'}],
            },
        ],
    }


def in_value(patterns: object, value: object) -> dict[str, Any]:
    ((inside,),) = (pattern["children"] for pattern in explain([{"value": patterns}], value)["children"])
    return inside  # type: ignore[no-any-return]


def test_an_array_that_passes_shows_the_element_it_passes_by():
    array = [{"a": 1}, {"a": 2}, {"a": 2}]
    assert in_value({"items": {"a": [2]}}, {"items": array})["children"] == [
        {
            "about": "value.items",
            "passes": True,
            "found": "an array",
            "children": [
                {
                    "about": "value.items[1]",
                    "passes": True,
                    "children": [{"about": "value.items[1].a", "passes": True, "wanted": "[2]", "found": "2"}],
                }
            ],
        }
    ]


def test_an_array_that_does_not_pass_shows_every_object_of_it():
    (array,) = in_value({"items": {"a": [3]}}, {"items": [{"a": 1}, "x", {"a": 2}]})["children"]
    assert [one["about"] for one in array["children"]] == ["value.items[0]", "value.items[2]"]


def test_an_or_shows_its_alternatives():
    (either,) = in_value({"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2})["children"]
    assert either["about"] == "value.$or"
    assert [(one["about"], one["passes"]) for one in either["children"]] == [
        ("alternative 1", False),
        ("alternative 2", True),
    ]


def test_what_is_no_object_says_so():
    assert in_value({"a": [1]}, 5) == {
        "about": "value",
        "passes": False,
        "found": "5, which is no object: its fields count as absent",
    }


@pytest.mark.parametrize(
    ("pattern", "value", "reason"),
    [
        ({"a": [1]}, "plain", "plain text, and the pattern asks for fields"),
        ({"a": [1]}, b"plain", "plain text, and the pattern asks for fields"),
        ({"a": [1]}, b"\xff", "bytes that are not UTF-8"),
        (["x"], b"\xff", "bytes that are not UTF-8"),
        (["x"], {"a": 1}, "an object, and the pattern asks for a plain text"),
        (["x", None], '{"a": 1}', "an object, and the pattern asks for a plain text"),
    ],
    ids=str,
)
def test_what_is_not_looked_at_says_why(pattern, value, reason):
    assert in_value(pattern, value) == {"about": "value", "passes": True, "found": f"not looked at: it is {reason}"}


@pytest.mark.parametrize(("value", "found"), [('{"a": 1}', "an object"), (b"\xff", "bytes that are not UTF-8")])
def test_whether_something_is_there_is_told_of_every_form(value, found):
    assert in_value([None], value) == {"about": "value", "passes": False, "wanted": "[null]", "found": found}


def test_what_is_no_value_says_so():
    assert in_value({"a": [1]}, {"a": {"b": 1}})["children"][0]["found"] == (
        "an object, which is no value: it counts as absent"
    )
    assert in_value({"a": [1]}, {"a": []})["children"][0]["found"] == "an array without values: it counts as absent"
    assert in_value({"a": [1]}, {"a": [1, "x"]})["children"][0]["found"] == '[1, "x"]'
