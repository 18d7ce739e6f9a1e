"""A pipeline whose large values go to a store: waiting for it, stopping for it, and leaving it behind."""

from __future__ import annotations

import threading

from kafka_lambda_sink.core.errors import ClaimStoreError, ClaimStoreRefusedError, InvocationAborted
from kafka_lambda_sink.core.ports import StoredValue
from kafka_lambda_sink.core.state import PipelineState
from tests.support.claims import FakeStore
from tests.support.delivering import Delivering, orders
from tests.support.waiting import wait_until


def away() -> ClaimStoreError:
    return ClaimStoreError("s3://large: SlowDown", code="SlowDown")


def test_a_large_record_is_delivered_in_its_place_and_its_value_is_stored():
    store = FakeStore()
    under_test = Delivering(orders(0, 1, 2, huge=[1]), store=store, batch_size=3)
    under_test.run()
    assert under_test.batches == [[0], [1, 2]]
    assert under_test.committable.offset == 3
    assert [value.key.rpartition("-")[0] for value in store.values] == ["orders/3/1"]


def test_a_store_that_is_away_is_waited_for_with_an_alarm_and_never_the_error_path(caplog):
    store = FakeStore(away())
    under_test = Delivering(
        orders(0, 1, 2, huge=[1]), store=store, batch_size=3, behavior="log", topics="errors dead given-up"
    )
    under_test.run()
    assert under_test.batches == [[0], [1, 2]], "what comes before it does not wait"
    assert under_test.producer.written == []
    assert under_test.counters.failed == 0
    assert under_test.committable.offset == 3
    assert [line.fields["error_id"] for line in caplog.records] == ["ClaimStoreUnavailable"]


def test_a_stop_ends_the_wait_and_the_record_comes_again():
    store = FakeStore(*[away() for _ in range(1000)])
    under_test = Delivering(orders(0, 1, huge=[1]), store=store)
    under_test.pipeline.start()
    wait_until(lambda: under_test.progress.state is PipelineState.RETRYING)
    under_test.pipeline.drain()
    assert under_test.pipeline.join(5)
    assert under_test.progress.state is PipelineState.CLOSED
    assert under_test.committable.offset == 1
    assert store.values == []


def test_a_bucket_that_refuses_stops_the_partition_at_the_record():
    refused = ClaimStoreRefusedError("s3://large: AccessDenied", code="AccessDenied", status=403)
    under_test = Delivering(orders(0, 1, huge=[1]), store=FakeStore(refused), behavior="ignore")
    under_test.run()
    assert under_test.progress.state is PipelineState.FAILED
    assert under_test.progress.error is refused
    assert under_test.batches == [[0]]
    assert under_test.committable.offset == 1


class HangingStore(FakeStore):
    """Hangs in `put` until it is aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()

    def put(self, value: StoredValue) -> None:  # noqa: ARG002 - nothing is kept
        self.entered.set()
        assert self.aborted.wait(10)
        raise InvocationAborted


def test_an_epoch_that_ends_leaves_the_store_behind():
    store = HangingStore()
    under_test = Delivering(orders(0, huge=[0]), store=store)
    under_test.pipeline.start()
    assert store.entered.wait(10)
    under_test.pipeline.abandon()
    assert under_test.pipeline.join(5)
    assert under_test.progress.error is None
    assert under_test.batches == []
