"""What transforms say of records that they cannot take: which field and why, never what was in it."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.errors import RecordError
from tests.support.notation import record_of
from tests.support.transforming import build_transform

SECRET = "4111-1111"
NUMBER = 41111111
FIELD = {"value": {"card": SECRET}}


@pytest.mark.parametrize(
    ("class_name", "config", "record", "message"),
    [
        ("Cast$Value", {"spec": "card:int32"}, FIELD, "field `card`: a text that is no int32: not a whole number"),
        ("Cast$Value", {"spec": "card:int8"}, {"value": {"card": f"{NUMBER}"}}, "field `card`: a text that is no int8"),
        ("Cast$Value", {"spec": "float64"}, {"value": SECRET}, "a text that is no float64: not a number"),
        (
            "Cast$Value",
            {"spec": "card:int8"},
            {"value": SECRET},
            "only an object can be used for casting types, not str",
        ),
        (
            "TimestampConverter$Value",
            {"field": "card", "target.type": "unix", "format": "HH:mm"},
            FIELD,
            "field `card`: it does not match the format HH:mm",
        ),
        (
            "MaskField$Value",
            {"fields": "card", "replacement": "x"},
            {"value": {"card": NUMBER}},
            "field `card`: the replacement is no number",
        ),
        (
            "MaskField$Value",
            {"fields": "card", "replacement": "x"},
            {"value": {"card": [SECRET]}},
            "field `card`: list",
        ),
        ("Flatten$Value", {}, {"value": {"a": {"card": {"$decimal": "4111.1111"}}}}, "field `a.card`: a Decimal"),
        (
            "ExtractField$Value",
            {"field": "card.number", "field.syntax.version": "V2"},
            FIELD,
            "only an object can be used for nested field access, not str",
        ),
        (
            "ReplaceField$Value",
            {"renames": "x:card"},
            {"value_schema": {"type": "struct", "fields": {"card": "string"}}, "value": {"card": SECRET}},
            "there is no field `x`, which is to be renamed to `card`",
        ),
        (
            "InsertField$Value",
            {"topic.field": "card"},
            {"value_schema": {"type": "struct", "fields": {"card": "string"}}, "value": {"card": SECRET}},
            "there would be two fields `card`",
        ),
        ("HoistField$Value", {"field": "card"}, {"value_schema": "string", "value": None}, "field `card` is null"),
    ],
)
def test_messages_say_where_and_not_what(
    class_name: str, config: dict[str, str], record: dict[str, object], message: str
):
    with pytest.raises(RecordError) as caught:
        build_transform(class_name, config)(record_of(record))
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)
    assert str(NUMBER) not in str(caught.value)


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        (
            "Cast$Value",
            {"spec": "a:int7"},
            "the types are int8, int16, int32, int64, float32, float64, boolean, string",
        ),
        ("Cast$Value", {"spec": "int8,a:int8"}, "must be the only one"),
        ("ReplaceField$Value", {"renames": "a"}, "`a` must be the old name, a colon and the new name"),
        ("InsertField$Value", {}, "needs topic.field, partition.field, offset.field, timestamp.field or static.field"),
        ("InsertField$Value", {"static.field": "a"}, "static.field needs static.value"),
        ("TimestampConverter$Value", {"target.type": "string"}, "target.type=string needs format"),
        ("TimestampConverter$Value", {"target.type": "date"}, "'string', 'unix', 'Date', 'Time' or 'Timestamp'"),
        ("ExtractField$Value", {"field": "`a", "field.syntax.version": "V2"}, "the backtick at 0 has no other"),
        ("ExtractField$Value", {"field": "a", "field.syntax.version": "V3"}, "'V1' or 'V2'"),
    ],
)
def test_configuration_errors_say_what_is_allowed(class_name: str, config: dict[str, str], message: str):
    with pytest.raises(ValueError, match=r".") as caught:
        build_transform(class_name, config)
    assert message in str(caught.value)
