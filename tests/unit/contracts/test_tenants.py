"""Where the tenant of a record is looked for, and what is none."""

from __future__ import annotations

import pytest
from botocore.session import Session

from kafka_lambda_sink.contracts.request import Conversion
from kafka_lambda_sink.contracts.tenants import TenantConverter, tenant_reader
from kafka_lambda_sink.converters.converter import ConverterName
from kafka_lambda_sink.converters.reading import build_reader
from kafka_lambda_sink.core.errors import RecordError, SchemaRegistryError
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.tenant import is_tenant_id, parse_tenant_source
from tests.support.picky_converter import PickyConverter
from tests.support.records import record


def tenant(item: SourceRecord, source: str, *names: str, key: ConverterName = "string") -> str:
    found = tenant_reader(
        parse_tenant_source(source),
        names,
        key=build_reader(key, stage="KEY_CONVERTER", schemas_enable=False),
        value=build_reader("json", stage="VALUE_CONVERTER", schemas_enable=False),
    )
    return found(item)


@pytest.mark.parametrize(
    ("key", "converter", "expected"),
    [(b"blue", "string", "blue"), (b'"blue"', "json", "blue"), (b"17", "json", "17"), (b"blue", "bytes", "blue")],
)
def test_the_key_is_the_tenant_as_its_converter_reads_it(key: bytes, converter: ConverterName, expected: str):
    assert tenant(record(0, key=key), "key", key=converter) == expected


def test_a_field_of_the_value():
    item = record(0, b'{"customer":{"tenant":"blue/1"}}')

    assert tenant(item, "value:customer.tenant", "customer", "tenant") == "blue/1"


def test_a_header_is_taken_by_its_bytes():
    assert tenant(record(0, headers=[("x", b"1"), ("tenant", b"007"), ("tenant", b"007")]), "header:tenant") == "007"


@pytest.mark.parametrize(
    ("item", "source", "names", "message"),
    [
        (record(0), "key", (), "nothing at key"),
        (record(0, key=b""), "key", (), "none that Lambda takes"),
        (record(0, key=b"a\r\nX-Amz-Tenant-Id: b"), "key", (), "none that Lambda takes"),
        (record(0, key=b"blue\n"), "key", (), "none that Lambda takes"),
        (record(0, key=b" blue"), "key", (), "none that Lambda takes"),
        (record(0, headers=[("x", b"1")]), "header:tenant", (), "nothing at header:tenant"),
        (record(0, headers=[("tenant", None)]), "header:tenant", (), "nothing at header:tenant"),
        (record(0, headers=[("tenant", b"\xff")]), "header:tenant", (), "not UTF-8"),
        (record(0, headers=[("tenant", b"a"), ("tenant", b"b")]), "header:tenant", (), "different tenants"),
        (record(0, b'{"t":true}'), "value:t", ("t",), "neither a text nor a whole number"),
        (record(0, b'{"t":1.5}'), "value:t", ("t",), "neither a text nor a whole number"),
        (record(0, b'{"t":null}'), "value:t", ("t",), "nothing at value:t"),
        (record(0, None), "value:t", ("t",), "nothing at value:t"),
    ],
)
def test_what_is_no_tenant_is_an_error_of_the_record(
    item: SourceRecord, source: str, names: tuple[str, ...], message: str
):
    with pytest.raises(RecordError, match=message) as caught:
        tenant(item, source, *names)

    assert caught.value.stage == "TASK_PUT"


def test_no_id_is_taken_that_the_service_model_would_refuse():
    shape = Session().get_service_model("lambda").operation_model("Invoke").input_shape
    assert shape is not None
    rules = shape.members["TenantId"].metadata
    assert (rules["min"], rules["max"], rules["pattern"]) == (1, 256, r"[a-zA-Z0-9\._:\/=+\-@ ]+")
    every = "".join(map(chr, range(0x20, 0x7F)))
    taken = {letter for letter in every if is_tenant_id(f"a{letter}a")}
    assert taken == {letter for letter in every if letter.isalnum() or letter in "._:/=+-@ "}
    assert not is_tenant_id("é")
    assert is_tenant_id("x" * 256)
    assert not is_tenant_id("x" * 257)


@pytest.mark.parametrize("text", ["", "keys", "key:", "key:x", "header", "header:", "value:", "topic:x"])
def test_where_else_a_tenant_might_be(text: str):
    with pytest.raises(ValueError, match="none of"):
        parse_tenant_source(text)


def test_what_is_dropped_needs_no_tenant_and_what_waits_is_not_half_done():
    key = build_reader("string", stage="KEY_CONVERTER", schemas_enable=False)
    tenant_of = tenant_reader(parse_tenant_source("key"), (), key=key, value=key)
    into = Conversion()

    TenantConverter(PickyConverter({1}), tenant_of).convert([record(0, key=b"a"), record(1), record(2)], into)

    assert (into.dropped, into.tenants, [item.offset() for item, _ in into.failures]) == (1, ["a"], [2])
    with pytest.raises(SchemaRegistryError):
        TenantConverter(PickyConverter(waits_at=1), tenant_of).convert([record(0, key=b"a"), record(1)], Conversion())
