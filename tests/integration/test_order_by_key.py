"""Batches of one partition in flight side by side, on a real broker: order by key, what is committed, a restart."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict

import pytest

from kafka_lambda_sink.core import commit_metadata
from tests.support.running_task import Sink, function

pytestmark = pytest.mark.broker

COUNT = 2000
KEYS = 50


class Witness:
    """A function that notes which keys it is given while they are with it already, and the order of each."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside: Counter[str] = Counter()
        self.seen: dict[str, list[int]] = defaultdict(list)
        self.overlaps: list[str] = []
        self.most = 0
        self.calls = 0
        #: Keys whose records wait until it is set.
        self.stuck: set[str] = set()
        self.go_on = threading.Event()

    def __call__(self, event: bytes) -> bytes:
        records = [entry["payload"] for entry in json.loads(event)]
        keys = {record["key"] for record in records}
        with self.lock:
            self.overlaps += [key for key in keys if self.inside[key]]
            self.inside.update(keys)
            self.calls += 1
            self.most = max(self.most, sum(self.inside.values()))
            for record in records:
                self.seen[record["key"]].append(record["offset"])
        if keys & self.stuck:
            self.go_on.wait(30)
        with self.lock:
            self.inside.subtract(keys)
        return b"[]"


def records() -> list[tuple[bytes, bytes]]:
    return [(b"k%d" % (number * 7 % KEYS), b'{"n":%d}' % number) for number in range(COUNT)]


def properties(**more: str) -> dict[str, str | None]:
    keys = {key.replace("_", "."): value for key, value in more.items()}
    return {
        "aws.lambda.ordering": "key",
        "aws.lambda.batch.size": "10",
        "aws.lambda.max.in.flight": "8",
        "shutdown.timeout.ms": "2000",
        **keys,
    }


def test_each_key_is_in_order_and_never_with_the_function_twice(sink: Sink):
    witness = Witness()
    sink.endpoint.add_function(function(witness))
    sink.produce(records())
    with sink.running(properties()) as task:
        task.wait_committed({0: COUNT})
    assert not witness.overlaps
    assert sorted(offset for offsets in witness.seen.values() for offset in offsets) == [*range(COUNT)]
    assert all(offsets == sorted(offsets) for offsets in witness.seen.values())


def test_what_is_finished_beyond_a_stuck_key_is_not_invoked_again_after_a_restart(sink: Sink):
    witness = Witness()
    witness.stuck = {"k7"}
    sink.endpoint.add_function(function(witness))
    sink.produce(records())
    # The second record is of the stuck key.
    stuck = [number for number in range(COUNT) if number * 7 % KEYS == 7]
    with sink.running(properties()) as task:
        task.wait_for(lambda: sum(map(len, witness.seen.values())) >= COUNT - len(stuck), "all others are through")
        task.wait_committed({0: 1})

        def is_written() -> bool:
            offset = sink.cluster.committed(sink.group, sink.source)[0]
            done = commit_metadata.done_of(offset.metadata or "", offset.offset)
            return sum(end - start for start, end in done) >= COUNT - len(stuck) - 1

        task.wait_for(is_written, "what is finished is committed")
    before = {key: [*offsets] for key, offsets in witness.seen.items()}
    witness.stuck = set()
    witness.go_on.set()
    with sink.running(properties()) as task:
        task.wait_committed({0: COUNT})
    again = {key: offsets[len(before.get(key, [])) :] for key, offsets in witness.seen.items()}
    assert {key for key, offsets in again.items() if offsets} == {"k7"}
    assert again["k7"] == stuck
