"""Key and trust stores of Java → PEM, in memory."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path

from kafka_lambda_sink.config.clients.jks import MAGIC, StoreContent, StoreError, read_jks

_JCEKS = b"\xce\xce\xce\xce"


def read_store(path: str, password: str | None, key_password: str | None = None) -> StoreContent:
    """Read a JKS or PKCS#12 store. Its first bytes say which it is, as in Java; the declared type does not matter.

    Raises StoreError.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror or error}") from None
    return _parse(data, password, key_password)


@lru_cache(maxsize=4)  # one store serves several clients of a connector, and deriving its keys takes a while
def _parse(data: bytes, password: str | None, key_password: str | None) -> StoreContent:
    if data.startswith(MAGIC):
        return read_jks(data, password, key_password)
    if data.startswith(_JCEKS):
        raise StoreError("a JCEKS store: convert it with keytool -importkeystore -deststoretype PKCS12")
    if data.lstrip().startswith(b"-----BEGIN "):
        raise StoreError("a PEM file: say so with ssl.truststore.type=PEM or ssl.keystore.type=PEM")
    return _read_pkcs12(data, password)


def _read_pkcs12(data: bytes, password: str | None) -> StoreContent:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - 40 ms that few configurations need
        Encoding,
        NoEncryption,
        PrivateFormat,
        pkcs12,
    )

    try:
        store = pkcs12.load_pkcs12(data, password.encode() if password is not None else None)
    except ValueError:
        raise StoreError("not a JKS or PKCS#12 store, or its password is wrong") from None
    others = [entry.certificate.public_bytes(Encoding.DER) for entry in store.additional_certs]
    if store.key is None:
        own = [store.cert.certificate.public_bytes(Encoding.DER)] if store.cert else []
        return StoreContent(trusted=own + others)
    key = store.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    leaf = [store.cert.certificate.public_bytes(Encoding.DER)] if store.cert else []
    return StoreContent(trusted=others, key=key, chain=leaf + others)


def pem(label: str, *blocks: bytes) -> str:
    """DER blocks as PEM text with this label (`CERTIFICATE`, `PRIVATE KEY`)."""
    return "".join(
        f"-----BEGIN {label}-----\n{base64.encodebytes(block).decode('ascii')}-----END {label}-----\n"
        for block in blocks
    )
