"""Records that are too large even alone: with a store their values go there, and the rest is sent."""

import base64
import hashlib
import json
from dataclasses import replace

import pytest

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.claim_check import ClaimCheck
from kafka_lambda_sink.contracts.formats.aws_event import build_aws_self_managed
from kafka_lambda_sink.contracts.formats.aws_parts import RegistryPart
from kafka_lambda_sink.contracts.formats.confluent import build_confluent
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.values import build_values
from kafka_lambda_sink.contracts.frame import ARRAY
from kafka_lambda_sink.contracts.record_path import Part, RecordPath
from kafka_lambda_sink.contracts.request import PlainConverter
from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.reading import build_reader
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import ClaimStoreError, ClaimStoreRefusedError, RecordTooLargeError
from tests.support.claims import FakeStore
from tests.support.records import TP, record

LIMIT = 1000
LARGE = b'{ "text":"%s"}' % (b"x" * LIMIT)


def plain(value_converter="json"):
    key = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
    value = build_converter(value_converter, is_key=False, schemas_enable=False, escaped=False)
    return PlainConverter(TP, key, value)


def path(request_format: RequestFormat, value_converter="json", transform=None):
    def part(stage, name):
        return Part(
            read=build_reader(name, stage=stage, schemas_enable=False, replace_null_with_default=True),
            embed=build_embedder(JsonForm(), stage),
        )

    return RecordPath(
        key=part("KEY_CONVERTER", "string"),
        value=part("VALUE_CONVERTER", value_converter),
        header=None,
        transform=transform,
        is_wanted=None,
        entry=request_format.entry,
        stored_value=request_format.stored_value,
    )


def assembler(converter, store, frame=ARRAY):
    claims = ClaimCheck(converter, store, bucket="large", prefix="sink/")
    return BatchAssembler(converter, BatchLimits(10, LIMIT, LIMIT), frame, claims)


def payloads(under_test, *records):
    found = []
    for item in under_test.batches(records):
        assert isinstance(item, Batch), item
        found.append(json.loads(item.payload))
    return found


def reference_to(body: bytes, offset: int):
    digest = hashlib.sha256(body).hexdigest()
    key = f"sink/orders/3/{offset}-{digest[:16]}"
    return {"$s3": {"bucket": "large", "key": key, "size": len(body), "sha256": digest}}


def test_the_value_goes_to_the_store_and_its_place_is_in_the_payload():
    store = FakeStore()
    before, batch = payloads(assembler(plain(), store), record(1, b"1"), record(2, LARGE, b"k"), record(3, b"3"))
    assert [entry["payload"]["value"] for entry in before] == [1]
    assert [entry["payload"]["value"] for entry in batch] == [reference_to(LARGE, 2), 3]
    assert batch[0]["payload"]["key"] == "k"
    (stored,) = store.values
    assert (stored.body, stored.content_type) == (LARGE, "application/json"), "byte for byte what would have been sent"
    assert stored.key == batch[0]["payload"]["value"]["$s3"]["key"]


def test_a_batch_that_was_claimed_can_be_cut_again():
    store = FakeStore()
    under_test = assembler(plain(), store)
    (batch,) = under_test.batches([record(2, LARGE), record(3, b"3")])
    assert isinstance(batch, Batch)
    first, _ = under_test.split(batch)
    assert json.loads(first.payload)[0]["payload"]["value"] == reference_to(LARGE, 2)
    assert len(store.values) == 1


def test_a_redelivered_record_gets_the_same_key_and_another_content_another():
    store = FakeStore()
    under_test = assembler(plain(), store)
    for value in (LARGE, LARGE, LARGE.replace(b"x", b"y")):
        payloads(under_test, record(2, value))
    first, again, other = [value.key for value in store.values]
    assert first == again != other


def test_bytes_are_stored_as_they_are():
    store = FakeStore()
    (batch,) = payloads(assembler(plain("bytes"), store), record(2, b"\x00\xff" * LIMIT))
    (stored,) = store.values
    assert (stored.body, stored.content_type) == (b"\x00\xff" * LIMIT, "application/octet-stream")
    assert batch[0]["payload"]["value"] == reference_to(stored.body, 2)


@pytest.mark.parametrize("converter", ["json", "bytes"])
def test_the_long_way_stores_the_same(converter):
    for records in (plain(converter), path(build_confluent(), converter)):
        store = FakeStore()
        value = b'{"text":"%s"}' % (b"x" * LIMIT)
        (batch,) = payloads(assembler(records, store), record(2, value, b"k"))
        assert (batch[0]["payload"]["value"], batch[0]["payload"]["key"]) == (reference_to(value, 2), "k")
        assert store.values[0].body == value


def test_what_transforms_have_cut_is_not_stored():
    def mask(sink_record):
        return replace(sink_record, value={"text": sink_record.value["text"]})

    store = FakeStore()
    value = b'{"secret":1,"text":"%s"}' % (b"x" * LIMIT)
    payloads(assembler(path(build_confluent(), transform=mask), store), record(2, value))
    assert json.loads(store.values[0].body) == {"text": "x" * LIMIT}


def test_in_a_bare_array_of_values_the_reference_is_one():
    store = FakeStore()
    assert payloads(assembler(path(build_values()), store), record(2, LARGE)) == [
        [reference_to(store.values[0].body, 2)]
    ]


def test_in_the_event_of_awss_trigger_the_reference_is_base64_as_any_value():
    store = FakeStore()
    built = build_aws_self_managed(bootstrap_servers="b:1")
    (event,) = payloads(assembler(path(built), store, built.frame(TP)), record(2, LARGE))
    (sent,) = event["records"]["orders-3"]
    assert json.loads(base64.b64decode(sent["value"])) == reference_to(LARGE, 2)
    assert store.values[0].body == LARGE, "what base64 would have carried: the bytes of Kafka"


# --- the old way -----------------------------------------------------------------------------------------------------


def failed(under_test, source):
    (item,) = under_test.batches([source])
    assert isinstance(item, FailedRecord)
    assert isinstance(item.error, RecordTooLargeError)
    return item.error


def test_a_record_whose_rest_is_too_large_is_not_stored():
    store = FakeStore()
    error = failed(assembler(plain(), store), record(2, LARGE, b"k" * LIMIT))
    assert "key" in (error.hint or "")
    assert store.values == []


def test_a_record_without_a_value_has_nothing_to_take():
    store = FakeStore()
    error = failed(assembler(plain(), store), record(2, None, b"k" * LIMIT))
    assert "no value" in (error.hint or "")
    assert store.values == []


def test_a_format_that_sends_what_the_producer_wrote_has_no_place_for_a_reference():
    store = FakeStore()
    built = build_aws_self_managed(bootstrap_servers="b:1", value=RegistryPart("AVRO", event_record_format="SOURCE"))
    value = b"\x00\x00\x00\x00\x07" + LARGE
    error = failed(assembler(path(built, "bytes"), store, built.frame(TP)), record(2, value))
    assert "as its producer wrote it" in (error.hint or "")
    assert store.values == []


def test_without_a_store_the_hint_names_the_key():
    (item,) = BatchAssembler(plain(), BatchLimits(10, LIMIT, LIMIT)).batches([record(2, LARGE)])
    assert isinstance(item, FailedRecord)
    assert "aws.lambda.oversize.s3.bucket" in (item.error.hint or "")


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [ClaimStoreError("slow", code="SlowDown"), ClaimStoreRefusedError("no", code="AccessDenied", status=403)]
)
def test_what_comes_before_is_handed_out_before_the_store_is_asked(fault):
    store = FakeStore(fault)
    items = assembler(plain(), store).batches([record(1, b"1"), record(2, LARGE), record(3, b"3")])
    first = next(items)
    assert isinstance(first, Batch)
    assert [each.offset() for each in first.records] == [1]
    assert len(store.faults) == 1
    with pytest.raises(type(fault)):
        next(items)
