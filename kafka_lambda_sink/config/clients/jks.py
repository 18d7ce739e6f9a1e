"""Java key stores of the old format (JKS): certificates and keys taken out of them.

The format is Sun's, documented by its reader in OpenJDK (sun.security.provider.JavaKeyStore and KeyProtector):
integers are big-endian, strings have a length of two bytes, keys are hidden with SHA-1 as a stream cipher, and the file
ends with a SHA-1 over the password and all before it.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

MAGIC = b"\xfe\xed\xfe\xed"
_DIGEST = 20
_KEY, _CERTIFICATE = 1, 2
#: DER of the object identifier 1.3.6.1.4.1.42.2.17.1.1, Sun's key protector.
_PROTECTOR = bytes.fromhex("060a2b060104012a02110101")


class StoreError(ValueError):
    """A store cannot be read. The message contains no password."""


@dataclass(slots=True)
class StoreContent:
    """What a key or trust store holds, as DER."""

    #: Trusted certificates.
    trusted: list[bytes] = field(default_factory=list)
    #: PKCS#8 private key, or None.
    key: bytes | None = None
    #: Certificates that go with the key, its own first.
    chain: list[bytes] = field(default_factory=list)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise StoreError("the key store is cut off")
        self._at += count
        return part

    def integer(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def text(self) -> str:
        return self.take(struct.unpack(">H", self.take(2))[0]).decode("utf-8", "replace")

    def block(self) -> bytes:
        return self.take(self.integer())


def read_jks(data: bytes, password: str | None, key_password: str | None = None) -> StoreContent:
    """Read a store. Without a password its integrity is not checked, as in Java. Raises StoreError."""
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if password is not None and _sha1(_utf16(password), b"Mighty Aphrodite", body) != digest:
        raise StoreError("the password of the key store is wrong, or the file is damaged")
    reader = _Reader(body)
    if reader.take(4) != MAGIC:
        raise StoreError("not a JKS key store")
    version = reader.integer()
    if version not in {1, 2}:
        raise StoreError(f"JKS version {version} is unknown")
    content = StoreContent()
    for _ in range(reader.integer()):
        _read_entry(reader, version, content, key_password if key_password is not None else password)
    return content


def _read_entry(reader: _Reader, version: int, content: StoreContent, key_password: str | None) -> None:
    kind = reader.integer()
    reader.text()  # alias
    reader.take(8)  # date
    if kind == _KEY:
        protected = reader.block()
        chain = [_read_certificate(reader, version) for _ in range(reader.integer())]
        if content.key is not None:
            raise StoreError("the key store has more than one key: leave the one that is meant")
        if key_password is not None:
            content.key = _recover_key(protected, key_password)
        content.chain = chain
    elif kind == _CERTIFICATE:
        content.trusted.append(_read_certificate(reader, version))
    else:
        raise StoreError(f"the key store has an entry of the unknown kind {kind}")


def _read_certificate(reader: _Reader, version: int) -> bytes:
    if version > 1 and reader.text() != "X.509":
        raise StoreError("the key store has a certificate that is not X.509")
    return reader.block()


def _recover_key(protected: bytes, password: str) -> bytes:
    """Take Sun's protection off: salt, XOR with a chain of digests, then a digest of the plain key."""
    at = protected.find(_PROTECTOR)
    if at < 0:
        raise StoreError("the key is protected in an unknown way")
    encrypted = _octet_string(protected, at + len(_PROTECTOR))
    salt, hidden, check = encrypted[:_DIGEST], encrypted[_DIGEST:-_DIGEST], encrypted[-_DIGEST:]
    secret = _utf16(password)
    stream = b""
    block = salt
    while len(stream) < len(hidden):
        block = _sha1(secret, block)
        stream += block
    key = bytes(one ^ other for one, other in zip(hidden, stream, strict=False))
    if _sha1(secret, key) != check:
        raise StoreError("the password of the key is wrong (ssl.key.password)")
    return key


def _octet_string(der: bytes, at: int) -> bytes:
    """The OCTET STRING that follows the algorithm identifier (with its NULL, which some writers leave out)."""
    if der[at : at + 2] == b"\x05\x00":
        at += 2
    if der[at : at + 1] != b"\x04" or len(der) == at + 1:
        raise StoreError("the key is not an EncryptedPrivateKeyInfo")
    first = der[at + 1]
    if first < 0x80:  # noqa: PLR2004 - DER: a length below 128 is its own byte
        return der[at + 2 : at + 2 + first]
    width = first & 0x7F
    start = at + 2 + width
    return der[start : start + int.from_bytes(der[at + 2 : start], "big")]


def _sha1(*parts: bytes) -> bytes:
    digest = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.digest()


def _utf16(password: str) -> bytes:
    return password.encode("utf-16-be")
