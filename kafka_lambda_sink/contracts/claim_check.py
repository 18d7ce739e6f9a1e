"""The claim check: a value that is too large for an invocation goes to a store, and the payload says where it is.

    {"$s3": {"bucket": "orders-large", "key": "sink/orders/3/41-9f86d081884c7d65", "size": 7340032, "sha256": "9f86…"}}

Amazon's own connector for EventBridge names an ARN (`dataref`), its extended clients for SQS and SNS bucket and key
(`s3BucketName`, `s3Key`). Those find nothing out about the content; a size and a hash cost nothing and let a function
refuse what somebody has changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from kafka_lambda_sink.contracts.formats.sent_record import unsendable
from kafka_lambda_sink.contracts.request import ValueReplacer, encode
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.core.ports import ClaimStore, StoredValue
from kafka_lambda_sink.core.record import SourceRecord

#: The one field of a reference.
REFERENCE: Final = "$s3"
#: Characters of the content's hash in a key: what has another content has another key, as after a topic was deleted and
#: created again, and a function that is late still finds what it was sent.
_HASH_IN_KEY: Final = 16


@dataclass(frozen=True, slots=True)
class Claim:
    """A record without its value, and the value."""

    #: What stands in the request for the record.
    entry: object
    value: StoredValue


class ClaimCheck:
    """Takes the values of one partition's large records. Belongs to one thread; pure but for `deposit`."""

    __slots__ = ("_bucket", "_prefix", "_records", "_store")

    def __init__(self, records: ValueReplacer, store: ClaimStore, *, bucket: str, prefix: str) -> None:
        """`prefix` is what keys begin with, up to its last slash."""
        self._records = records
        self._store = store
        self._bucket = bucket
        self._prefix = prefix

    def claim(self, record: SourceRecord) -> Claim:
        """What `record` is without its value. Nothing is stored yet.

        The value is what would stand in the payload, as JSON, or as bytes where that is base64: after transforms, so
        without what they have cut. A record gets the same key as long as its value is the same.
        Raises RecordError where it has no value to take or the format has no form for it, RetriableConversionError.
        """
        taken: list[StoredValue] = []

        def take(value: Embeddable) -> dict[str, object]:
            if value is None:
                raise unsendable("the record has no value that could be stored elsewhere")
            is_binary = isinstance(value, bytes)
            body = value if isinstance(value, bytes) else encode(value)
            digest = hashlib.sha256(body).hexdigest()
            key = f"{self._prefix}{record.topic()}/{record.partition()}/{record.offset()}-{digest[:_HASH_IN_KEY]}"
            content_type = "application/octet-stream" if is_binary else "application/json"
            taken.append(StoredValue(key=key, body=body, content_type=content_type))
            return {REFERENCE: {"bucket": self._bucket, "key": key, "size": len(body), "sha256": digest}}

        entry = self._records.without_value(record, take)
        (value,) = taken
        return Claim(entry, value)

    def deposit(self, claim: Claim) -> None:
        """Store the value of a claim. Blocks; raises as ClaimStore.put."""
        self._store.put(claim.value)
