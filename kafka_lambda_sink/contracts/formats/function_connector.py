"""The format `function-connector`: `{"agent", "state", "secrets", "records"}` (seed: "Request format" of Fivetran)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.frame import Frame
from kafka_lambda_sink.contracts.request import Payload, PayloadWithHeaders, encode
from kafka_lambda_sink.core.commit_metadata import MAX_STATE
from kafka_lambda_sink.core.record import TopicPartition

#: What a partition starts from.
_NO_STATE: Final = b"{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRequest:
    """What a request has beside the records. It is put around them when they are sent, and kept nowhere."""

    #: Name of the connector.
    connector: str
    #: The JSON text of an object, or empty: then the field is left out.
    secrets: bytes = field(default=b"", repr=False)

    def of(self, tp: TopicPartition, state: bytes | None, payload: bytes) -> bytes:
        """The request for a batch of `tp`, of the payload that its frame gives: `{"records":[…]}`."""
        agent = encode(f"Kafka Lambda Sink/{self.connector}/{tp.topic}")
        secrets = b',"secrets":' + self.secrets if self.secrets else b""
        return b'{"agent":' + agent + b',"state":' + (state or _NO_STATE) + secrets + b"," + payload[1:]

    def frame(self, tp: TopicPartition) -> Frame:
        """What surrounds the records, with room for the rest whatever the state is."""
        return Frame(b'{"records":[', b"]}", reserved=len(self.of(tp, b" " * MAX_STATE, b"{")) - 1)


def build_function_connector(request: FunctionRequest, *, writes_headers: bool = False) -> RequestFormat:
    """A record is what `confluent` has in `payload`: topic, partition, offset, timestamp, key and value."""

    def entry(sent: SentRecord) -> Payload:
        source = sent.source
        fields = (sent.record.timestamp, source.topic(), source.partition(), source.offset(), sent.key, sent.value)
        return PayloadWithHeaders(*fields, sent.headers) if writes_headers else Payload(*fields)

    return RequestFormat(entry=entry, frame=request.frame, needs_headers=writes_headers)
