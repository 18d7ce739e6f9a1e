"""Produces so many records a second until its standard input ends; a process of its own.

Those of a millisecond go to one partition together, as a producer sends that fills a batch before it turns to the next
partition. They are stamped when they are handed to the client, which waits for no others to send with them.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time

from confluent_kafka import Producer

from benchmarks.bench_broker import value_of

_TICK = 0.001

parser = argparse.ArgumentParser()
for name in ("bootstrap", "topic"):
    parser.add_argument(f"--{name}", required=True)
for name in ("partitions", "rate", "bytes"):
    parser.add_argument(f"--{name}", type=int, required=True)
options = parser.parse_args()

ended = threading.Event()


def _wait_for_the_end() -> None:
    sys.stdin.read()
    ended.set()


threading.Thread(target=_wait_for_the_end, daemon=True).start()
producer = Producer({"bootstrap.servers": options.bootstrap, "linger.ms": 0, "acks": 1})
value = value_of(1, options.bytes)
start, sent, turn = time.perf_counter(), 0, 0
while not ended.wait(_TICK):
    due = int((time.perf_counter() - start) * options.rate)
    together = [{"key": b"key-%d" % number, "value": value} for number in range(sent, due)]
    if producer.produce_batch(options.topic, together, partition=turn % options.partitions) < len(together):
        sys.exit(f"the broker does not take {options.rate} records/s")
    sent = due
    turn += 1
    producer.poll(0)
producer.flush(10)
