import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kafka_lambda_sink.config.clients.jks import MAGIC, StoreError, read_jks
from kafka_lambda_sink.config.clients.stores import read_store

PROTECTOR = bytes.fromhex("060a2b060104012a02110101")
DIGEST = b"\0" * 20


def block(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def key_entry(protected: bytes) -> bytes:
    return struct.pack(">IH", 1, 0) + b"\0" * 8 + block(protected) + struct.pack(">I", 0)


STORES = st.one_of(
    st.binary(max_size=60),
    st.binary(max_size=60).map(lambda junk: MAGIC + struct.pack(">II", 2, 3) + junk),
    st.binary(max_size=60).map(lambda junk: MAGIC + struct.pack(">II", 2, 1) + key_entry(PROTECTOR + junk)),
    st.binary(max_size=60).map(
        lambda junk: MAGIC + struct.pack(">II", 2, 1) + key_entry(PROTECTOR + b"\x04\x81" + junk)
    ),
)


@example(MAGIC + struct.pack(">II", 2, 1) + key_entry(PROTECTOR + b"\x04"), "p")
@given(STORES, st.none() | st.text(max_size=4))
def test_a_damaged_store_is_a_store_error_and_nothing_else(data: bytes, key_password: str | None):
    with contextlib.suppress(StoreError):
        read_jks(data + DIGEST, None, key_password)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_a_file_that_is_no_store_is_a_store_error(tmp_path: Path, data: bytes):
    path = tmp_path / f"{data.hex()[:40]}.jks"
    path.write_bytes(data)
    with pytest.raises(StoreError):
        read_store(str(path), "password")
