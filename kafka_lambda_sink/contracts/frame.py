"""What surrounds the entries of a payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_lambda_sink.contracts.request import encode


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes before the first entry and behind the last one; commas stand between them."""

    before: bytes = b"["
    after: bytes = b"]"
    #: Bytes that the contract may add when a payload is sent.
    reserved: int = 0

    @property
    def size(self) -> int:
        """Bytes of what is sent without entries."""
        return len(self.before) + len(self.after) + self.reserved

    def payload(self, entries: Sequence[object]) -> bytes:
        """The payload that carries `entries`."""
        array = encode(entries)
        return array if self is ARRAY else self.before + array[1:-1] + self.after

    def join(self, encoded: Sequence[bytes]) -> bytes:
        """The payload of entries that were encoded one by one: the same bytes as `payload` gives for them."""
        return self.before + b",".join(encoded) + self.after


#: A plain JSON array.
ARRAY = Frame()
#: One entry and nothing else, where batches have one record.
BARE = Frame(b"", b"")
