from __future__ import annotations

import pytest

from kafka_lambda_sink.converters.wire_format import schema_id_of
from kafka_lambda_sink.core.errors import RecordError


@pytest.mark.parametrize(
    ("raw", "schema_id"),
    [(b"\0\0\0\0\7", 7), (b"\0\x01\x02\x03\x04rest", 0x01020304), (b"\0\xff\xff\xff\xff", -1)],
)
def test_reads_the_id(raw, schema_id):
    assert schema_id_of(raw, "VALUE_CONVERTER") == schema_id


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the key is empty"),
        (b"\0\0\0\0", "the key ends after 4 bytes, within the id of its schema"),
        (b"\1" + bytes(16), "the key names its schema by a GUID, which is not supported"),
        (b'{"a": 1}', "the key does not begin with the byte 0 and the id of a schema, but with the byte 123"),
    ],
)
def test_says_what_is_there_instead(raw, message):
    with pytest.raises(RecordError) as caught:
        schema_id_of(raw, "KEY_CONVERTER")
    assert str(caught.value).startswith(message)
    assert caught.value.stage == "KEY_CONVERTER"
