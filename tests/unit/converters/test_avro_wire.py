"""What we ask of fastavro's own functions, which are no public interface of it."""

from __future__ import annotations

import struct

import pytest

from kafka_lambda_sink.converters.avro_wire import ENDS_EARLY, PRIMITIVES, Cursor

LONGEST = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        ("int", b"\x01", -1),
        ("int", b"\xff\xff\xff\xff\x0f", -(2**31)),
        ("long", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2**63 - 1),
        ("long", LONGEST, -(2**63)),
        ("long", b"\x80\x01", 64),
        ("boolean", b"\x01", True),
        ("boolean", b"\x00", False),
        ("float", struct.pack("<f", 1.5), 1.5),
        ("double", struct.pack("<d", 0.1), 0.1),
        ("bytes", b"\x04\xff\x00", b"\xff\x00"),
        ("bytes", b"\x00", b""),
        ("string", b"\x04\xc3\xbc", "ü"),
    ],
)
def test_reads_a_value_and_no_more(kind, data, value):
    cursor = Cursor(data + b"rest")
    read = PRIMITIVES[kind](cursor)
    assert read == value
    assert type(read) is type(value)
    assert cursor.read() == b"rest"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("int", b""),
        ("long", b"\x80"),
        ("long", b"\xff" * 30),
        ("boolean", b""),
        ("float", b"\0\0\0"),
        ("double", bytes(7)),
        ("bytes", b"\x06ab"),
        ("bytes", b"\x01ab"),
        ("bytes", LONGEST + b"ab"),
        ("bytes", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01ab"),
        ("string", b"\x06ab"),
        ("string", b"\x01ab"),
        ("string", b""),
    ],
)
def test_notices_the_end(kind, data):
    with pytest.raises(ENDS_EARLY):
        PRIMITIVES[kind](Cursor(data))


def test_takes_no_text_that_is_not_utf8():
    with pytest.raises(UnicodeDecodeError):
        PRIMITIVES["string"](Cursor(b"\x02\xff"))
