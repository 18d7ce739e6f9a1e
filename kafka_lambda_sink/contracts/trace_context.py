"""The trace that a record belongs to, from W3C's form to X-Ray's.

Sources: https://www.w3.org/TR/trace-context/#traceparent-header,
https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from kafka_lambda_sink.contracts.source_headers import headers_of
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord

#: Later versions may add fields behind another hyphen; version 00 has none.
_TRACEPARENT: Final = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<parent>[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<more>-[\x21-\x7e]*)?"
)
_HEADER: Final = "traceparent"
_SAMPLED: Final = 0x01


class TraceParent(NamedTuple):
    """A valid `traceparent` header."""

    #: 32 hexadecimal digits.
    trace: str
    #: 16 hexadecimal digits.
    parent: str
    is_sampled: bool

    @property
    def xray(self) -> str:
        """X-Ray's tracing header. A trace whose id does not begin with a time is one that X-Ray takes, too."""
        return f"Root=1-{self.trace[:8]}-{self.trace[8:]};Parent={self.parent};Sampled={int(self.is_sampled)}"

    def __str__(self) -> str:
        """In W3C's form, version 00: what is known of it."""
        return f"00-{self.trace}-{self.parent}-{int(self.is_sampled):02x}"


def first_trace(records: Sequence[SourceRecord]) -> TraceParent | None:
    """That of the first record which has a valid one."""
    for record in records:
        for value in _values(record):
            trace = parse_traceparent(value)
            if trace is not None:
                return trace
    return None


def parse_traceparent(value: bytes) -> TraceParent | None:
    """The header's parts, or None for an invalid one."""
    match = _TRACEPARENT.fullmatch(value)
    if match is None or (match["version"] == b"00" and match["more"] is not None):
        return None
    return TraceParent(match["trace"].decode(), match["parent"].decode(), bool(int(match["flags"], 16) & _SAMPLED))


def _values(record: SourceRecord) -> list[bytes]:
    """Every value of the header, which should be there once."""
    try:
        headers = headers_of(record)
    except RecordError:
        return []
    return [value for name, value in headers if name.lower() == _HEADER and value is not None]
