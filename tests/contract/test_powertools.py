"""AWS's Powertools for Lambda reads our events, and what it replies drives our verdicts.

Functions that were written for AWS's own Kafka trigger work unchanged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.data_classes import KafkaEvent
from aws_lambda_powertools.utilities.data_classes.kafka_event import KafkaEventRecord
from aws_lambda_powertools.utilities.kafka import ConsumerRecords, SchemaConfig, kafka_consumer
from aws_lambda_powertools.utilities.kafka.exceptions import KafkaConsumerDeserializationError
from aws_lambda_powertools.utilities.parser.models import (
    KafkaMskEventModel,
    KafkaRecordModel,
    KafkaSelfManagedEventModel,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from google.protobuf.wrappers_pb2 import Int64Value

from kafka_lambda_sink.contracts.formats.aws_event import build_aws_msk, build_aws_self_managed
from kafka_lambda_sink.contracts.formats.aws_parts import RegistryPart
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.verdicts import Verdicts
from kafka_lambda_sink.converters.avro import build_avro_reader
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.ports import InvokeReply, RegisteredSchema
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.sink_record import SchemaAndValue
from tests.support.formatting import batch_of, part_of, path_to
from tests.support.records import TP, record

ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/orders/abc-1"
SELF_MANAGED = build_aws_self_managed(bootstrap_servers="b1:9092,b2:9092")
MSK = build_aws_msk(bootstrap_servers="b1:9098", event_source_arn=ARN)
ORDERS = [
    record(41, b'{"id": 1}', b"k1", headers=[("Trace", b"a\xc3\xbc"), ("none", None)]),
    record(42, b'{"id": "\xc3\xbc"}', None),
    record(44, b'{"id": 3}', b"k3", timestamp=(2, 1_700_000_000_500)),
]
AVRO_SCHEMA = '{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}'
#: A long of 21, behind the schema 1234 of a registry.
AVRO = b"\x00\x00\x00\x04\xd2\x2a"


class OneSchema:
    def schema(self, schema_id: int) -> RegisteredSchema:
        return RegisteredSchema(schema_id, "AVRO", AVRO_SCHEMA)

    def close(self) -> None: ...


@dataclass
class Context(LambdaContext):
    """What Powertools looks at of an invocation: nothing."""


def batch(request_format: RequestFormat, *records: SourceRecord, **options: Any) -> Batch:
    return batch_of(request_format, path_to(request_format, **options), *records)


def event(request_format: RequestFormat, *records: SourceRecord, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(batch(request_format, *records, **options).payload)
    return found


def consumed(given: dict[str, Any], config: SchemaConfig | None = None) -> list[Any]:
    """What a handler of a user sees in its records."""
    seen: list[Any] = []

    @kafka_consumer(schema_config=config)
    def handler(records: ConsumerRecords, _: LambdaContext) -> None:
        seen.extend((it.key, it.value, dict(it.headers)) for it in records.records)

    handler(given, Context())
    return seen


# --- its consumer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_format", [SELF_MANAGED, MSK])
def test_its_consumer_decodes_keys_values_and_headers(request_format: RequestFormat):
    assert consumed(event(request_format, *ORDERS), SchemaConfig(value_schema_type="JSON")) == [
        ("k1", {"id": 1}, {"trace": "aü".encode(), "none": b""}), (None, {"id": "ü"}, {}), ("k3", {"id": 3}, {}),
    ]  # fmt: skip
    assert consumed(event(request_format, ORDERS[0]))[0][1] == '{"id": 1}'


def test_its_consumer_decodes_what_a_registry_made_json():
    request_format = build_aws_self_managed(bootstrap_servers="b", value=RegistryPart("AVRO"))
    given = event(request_format, record(1, AVRO), value=avro_part())
    ((_, value, _),) = consumed(given, SchemaConfig(value_schema_type="JSON"))
    assert value == {"id": 21}


def test_its_consumer_decodes_avro_as_its_producer_wrote_it():
    request_format = build_aws_self_managed(bootstrap_servers="b", value=RegistryPart("AVRO", "SOURCE"))
    given = event(request_format, record(1, AVRO), value=avro_part())
    config = SchemaConfig(value_schema_type="AVRO", value_schema=AVRO_SCHEMA)
    ((_, value, _),) = consumed(given, config)
    assert value == {"id": 21}
    (sent,) = ConsumerRecords(given).records
    assert sent.value_schema_metadata is not None
    assert (sent.value_schema_metadata.data_format, sent.value_schema_metadata.schema_id) == ("AVRO", "1234")


def test_its_consumer_decodes_protobuf_as_its_producer_wrote_it():
    request_format = build_aws_self_managed(bootstrap_servers="b", value=RegistryPart("PROTOBUF", "SOURCE"))
    # A registry's prefix, the indexes of the first message, and the message.
    raw = b"\x00\x00\x00\x04\xd2\x00" + Int64Value(value=21).SerializeToString()
    given = event(
        request_format, record(1, raw), value=part_of(lambda _: SchemaAndValue(None, None), "VALUE_CONVERTER")
    )
    ((_, value, _),) = consumed(given, SchemaConfig(value_schema_type="PROTOBUF", value_schema=Int64Value))
    assert value == "21"


def test_its_consumer_refuses_avro_that_still_has_its_prefix():
    # Shows that the test above would fail without what it is about.
    config = SchemaConfig(value_schema_type="AVRO", value_schema=AVRO_SCHEMA)
    with_prefix = event(SELF_MANAGED, record(1, AVRO), value="bytes")
    try:
        values = [value for _, value, _ in consumed(with_prefix, config)]
    except KafkaConsumerDeserializationError:
        return
    assert values != [{"id": 21}]


def avro_part() -> Any:
    return part_of(build_avro_reader(OneSchema(), stage="VALUE_CONVERTER"), "VALUE_CONVERTER")


# --- its models and data classes --------------------------------------------------------------------------------------


def test_its_parser_takes_the_event_of_a_self_managed_cluster():
    model = KafkaSelfManagedEventModel.model_validate(event(SELF_MANAGED, *ORDERS))
    assert model.bootstrapServers == ["b1:9092", "b2:9092"]
    sent = model.records["orders-3"]
    assert [(it.offset, it.key, it.value) for it in sent] == [
        (41, b"k1", '{"id": 1}'), (42, None, '{"id": "ü"}'), (44, b"k3", '{"id": 3}'),
    ]  # fmt: skip
    assert [it.timestampType for it in sent] == ["CREATE_TIME", "CREATE_TIME", "LOG_APPEND_TIME"]
    assert int(sent[2].timestamp.timestamp() * 1000) == 1_700_000_000_500
    assert sent[0].headers == [{"Trace": "aü".encode()}, {"none": b""}]


def test_its_parser_takes_the_event_of_msk():
    request_format = build_aws_msk(bootstrap_servers="b1:9098", event_source_arn=ARN, value=RegistryPart("AVRO"))
    model = KafkaMskEventModel.model_validate(event(request_format, record(1, AVRO), value=avro_part()))
    assert model.eventSourceArn == ARN
    (sent,) = model.records["orders-3"]
    assert sent.valueSchemaMetadata is not None
    assert (sent.value, sent.valueSchemaMetadata.schemaId) == ('{"id":21}', "1234")


def test_its_data_classes_read_the_event():
    given = KafkaEvent(event(MSK, *ORDERS))
    assert (given.event_source, given.event_source_arn) == ("aws:kafka", ARN)
    assert given.decoded_bootstrap_servers == ["b1:9098"]
    read = list(given.records)
    assert [(it.topic, it.partition, it.offset, it.timestamp_type) for it in read] == [
        ("orders", 3, 41, "CREATE_TIME"), ("orders", 3, 42, "CREATE_TIME"), ("orders", 3, 44, "LOG_APPEND_TIME"),
    ]  # fmt: skip
    assert [it.decoded_key for it in read] == [b"k1", None, b"k3"]
    assert [it.json_value for it in read] == [{"id": 1}, {"id": "ü"}, {"id": 3}]
    assert read[0].decoded_headers["trace"] == "aü".encode()


# --- its batch processor ---------------------------------------------------------------------------------------------


def reply_to(sent: Batch, *, guilty: set[int], model: Any = None) -> bytes:
    """What a function replies that processes a batch with Powertools and cannot take some offsets."""

    # It is called by this name.
    def process(record: KafkaEventRecord | KafkaRecordModel) -> None:
        if record.offset in guilty:
            raise ValueError("cannot take it")

    processor = BatchProcessor(event_type=EventType.Kafka, model=model)
    reply = process_partial_response(json.loads(sent.payload), process, processor)
    return json.dumps(reply).encode()


def verdicts(sent: Batch, reply: bytes) -> Verdicts:
    return BatchItemFailures(TP).judge(InvokeReply(200, reply), sent)


@pytest.mark.parametrize("model", [None, KafkaRecordModel])
@pytest.mark.parametrize(("guilty", "indexes"), [(set(), []), ({42}, [1]), ({44, 41}, [0, 2])])
def test_its_batch_processor_names_exactly_the_records_that_failed(guilty: set[int], indexes: list[int], model: Any):
    sent = batch(SELF_MANAGED, *ORDERS)
    assert list(verdicts(sent, reply_to(sent, guilty=guilty, model=model)).failed) == indexes


def test_its_batch_processor_raises_where_all_records_failed():
    # A function error, then: no contract sees a reply.
    with pytest.raises(BatchProcessingError):
        reply_to(batch(SELF_MANAGED, *ORDERS), guilty={41, 42, 44})


def test_a_record_that_its_model_refuses_is_one_that_failed():
    sent = batch(MSK, ORDERS[0], record(42, None), ORDERS[2])
    assert list(verdicts(sent, reply_to(sent, guilty=set(), model=KafkaRecordModel)).failed) == [1]
