from __future__ import annotations

from kafka_lambda_sink.contracts.frame import ARRAY, Frame
from kafka_lambda_sink.contracts.request import Conversion, PlainConverter, encode
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.core.record import SourceRecord
from tests.support.records import TP, record

STRING_KEY = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
JSON_VALUE = build_converter("json", is_key=False, schemas_enable=False, escaped=False)


def convert(*records: SourceRecord) -> Conversion:
    conversion = Conversion()
    PlainConverter(TP, STRING_KEY, JSON_VALUE).convert(records, conversion)
    return conversion


def test_payload_is_the_seeds_format_in_its_order():
    conversion = convert(record(41, b"[ 1]", b"k"), record(43, None, None, timestamp=(0, -1)))
    assert encode(conversion.entries) == (
        b'[{"payload":{"timestamp":1700000000000,"topic":"orders","partition":3,"offset":41,"key":"k","value":[ 1]}},'
        b'{"payload":{"timestamp":null,"topic":"orders","partition":3,"offset":43,"key":null,"value":null}}]'
    )


def test_entries_encoded_one_by_one_join_to_the_same_bytes():
    entries = convert(*[record(offset, b'"x"', b"\xc3\xbc") for offset in range(3)]).entries
    assert ARRAY.join([encode(entry) for entry in entries]) == encode(entries)


def test_a_frame_surrounds_entries_however_they_are_put_together():
    entries = convert(*[record(offset) for offset in range(3)]).entries
    frame = Frame(b'{"events":[', b'],"more":1}')
    assert frame.payload(entries) == frame.join([encode(entry) for entry in entries])
    assert frame.payload(entries) == b'{"events":' + ARRAY.payload(entries) + b',"more":1}'
    assert frame.payload([]) == b'{"events":[],"more":1}'
    assert len(frame.payload([])) == frame.size


def test_a_failure_leaves_the_other_records_alone():
    records = [record(1), record(2, b"{"), record(3, key=b"\xff"), record(4)]
    conversion = convert(*records)
    assert conversion.records == [records[0], records[3]]
    assert b'"offset":1,' in encode(conversion.entries)
    assert b'"offset":4,' in encode(conversion.entries)
    assert [failed for failed, _ in conversion.failures] == records[1:3]
    assert [error.stage for _, error in conversion.failures] == ["VALUE_CONVERTER", "KEY_CONVERTER"]


def test_a_value_cannot_break_out_of_its_place():
    conversion = convert(record(1, b'1}},{"payload":{"topic":"other"'))
    assert not conversion.entries
    assert len(conversion.failures) == 1
