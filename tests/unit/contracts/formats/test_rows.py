from __future__ import annotations

from typing import Any

import pytest

from kafka_lambda_sink.contracts.formats.rows import RowOptions, build_rows
from kafka_lambda_sink.core.schema import Field, Instant, Schema, Struct, Type, timestamp_schema
from kafka_lambda_sink.core.sink_record import SchemaAndValue
from tests.support.formatting import error_of, part_of, request_of
from tests.support.records import record


def rows(*records: Any, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = request_of(build_rows(RowOptions(**options)), *records)["rows"]
    return found


def test_the_payload_is_the_seeds():
    value = b'{"email": "user@example.com", "plan": "enterprise"}'
    request = request_of(build_rows(RowOptions(primary_key="email")), record(1, value))
    assert request == {
        "sync_mode": "insert",
        "rows": [
            {
                "data": {"email": "user@example.com", "plan": "enterprise"},
                "operation": "insert",
                "primary_key": "user@example.com",
            }
        ],
    }


@pytest.mark.parametrize(
    ("sync_mode", "operation"),
    [("insert", "insert"), ("add", "add"), ("remove", "remove"), ("upsert", "upsert"), ("mirror", "upsert")],
)
def test_the_mode_says_what_records_are_and_a_tombstone_removes(sync_mode: str, operation: str):
    request = request_of(build_rows(RowOptions(sync_mode=sync_mode)), record(1, b"{}", b"a"), record(2, None, b"a"))
    assert request["sync_mode"] == sync_mode
    assert [row["operation"] for row in request["rows"]] == [operation, "remove"]
    assert request["rows"][1] == {"data": None, "operation": "remove", "primary_key": "a"}


def test_a_header_goes_before_the_tombstone_and_the_field_before_the_mode():
    add: list[tuple[str, bytes | None]] = [("op", b"remove"), ("op", b"add")]
    found = rows(
        record(1, b'{"op": "upsert"}', headers=add),
        record(2, None, headers=add),
        record(3, b'{"op": "remove"}'),
        record(4, b"{}"),
        record(5, b'{"op": null}', headers=[("op", None)]),
        record(6, b"[]"),
        operation_header="op",
        operation_field="value.op",
    )
    assert [row["operation"] for row in found] == ["add", "add", "remove", "insert", "insert", "insert"]


def test_an_operation_that_there_is_not_fails_the_record():
    wrong_field = error_of(build_rows(RowOptions(operation_field="op")), record(1, b'{"op": "delete"}'))
    assert str(wrong_field) == "the field op says another operation than add, insert, remove, upsert"
    wrong_header = error_of(build_rows(RowOptions(operation_header="op")), record(1, headers=[("op", b"7")]))
    assert str(wrong_header).startswith("the header op says another operation")


def test_primary_keys_from_the_record_key_and_from_paths():
    sent = record(1, b'{"user": {"id": 7, "a.b": "x"}}', b'{"id": 8, "region": "eu"}')
    keys = {
        path: request_of(build_rows(RowOptions(primary_key=path)), sent, key="json")["rows"][0]["primary_key"]
        for path in (None, "key.id", "user.id", r"value.user.a\.b", "user")
    }
    assert keys == {
        None: {"id": 8, "region": "eu"}, "key.id": 8, "user.id": 7, r"value.user.a\.b": "x",
        "user": {"id": 7, "a.b": "x"},
    }  # fmt: skip


def test_a_primary_key_is_written_by_its_schema():
    schema = Schema(type=Type.STRUCT, fields=(Field("at", timestamp_schema()),))
    value = part_of(lambda _: SchemaAndValue(schema, Struct(schema, {"at": Instant(5)})), "VALUE_CONVERTER")
    (row,) = request_of(build_rows(RowOptions(primary_key="at")), record(1), value=value)["rows"]
    assert row["primary_key"] == 5


@pytest.mark.parametrize("value", [b'{"id": null}', b"{}", b"[]", b"1", None])
def test_a_record_without_its_primary_key_fails(value: bytes | None):
    error = error_of(build_rows(RowOptions(primary_key="id")), record(1, value))
    assert str(error) == "the value has nothing at `id`, where its primary key is to be"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sync_mode": "replace"}, "not a sync mode; there are insert, add"),
        ({"primary_key": "a..b"}, "not a path"),
        ({"operation_field": "*"}, "must lead to one field"),
    ],
)
def test_options_that_cannot_work(options: dict[str, str], reason: str):
    with pytest.raises(ValueError, match=reason):
        build_rows(RowOptions(**options))
