"""How long a record waits until its request is at the endpoint, while records come slower than the sink can go."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.cell import Cell, Delays
from benchmarks.measuring import Bench, PeerFailed
from benchmarks.peer_process import PeerProcess

LOAD = 0.3
#: Seconds between the first invocation and the first delay that counts: connections open, consumers find their pace.
_WARM_UP = 3.0
_STOP_TIMEOUT = 20.0


def measure(bench: Bench, cell: Cell) -> Delays:
    """First what a sink does with a backlog; then another one at `LOAD` of that. Raises PeerFailed."""
    full = bench.run("sink", cell).records_per_second
    rate = int(full * LOAD)
    topic = f"paced-{cell.source.topic}"
    bench.broker.create_topic(topic, cell.partitions)
    try:
        with bench.place(cell, topic) as place:
            latency = cell.latency_ms / 1000
            bench.endpoint.begin(target=0, latency=latency, is_contract=cell.has_echo)
            with PeerProcess("sink", cell, place) as process, _producing(topic, bench.broker.bootstrap, cell, rate):
                bench.first(process)
                bench.pause(_WARM_UP)
                bench.endpoint.begin(target=0, latency=latency, is_contract=cell.has_echo, notes_delays=True)
                before = process.cpu_seconds
                bench.pause(bench.seconds)
                tally, cpu = bench.endpoint.tally(), process.cpu_seconds - before
                if process.has_ended:
                    raise PeerFailed(f"ended early: {process.last_lines()}")
    finally:
        bench.broker.delete_topic(topic)
    if not tally.delays:
        raise PeerFailed("no record came while delays were noted")
    return Delays(
        full_records_per_second=full,
        offered_records_per_second=rate,
        records=tally.records,
        invocations=tally.invocations,
        p50=tally.delay(0.5),
        p90=tally.delay(0.9),
        p99=tally.delay(0.99),
        p999=tally.delay(0.999),
        most=tally.delay(1.0),
        cpu_cores=cpu / bench.seconds,
    )


@contextmanager
def _producing(topic: str, bootstrap: str, cell: Cell, rate: int) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.paced_producer", "--bootstrap", bootstrap, "--topic", topic]
    command += ["--partitions", str(cell.partitions), "--rate", str(rate), "--bytes", str(cell.bytes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as producer:
        try:
            yield
            if producer.poll() is not None:
                raise PeerFailed(f"the producer ended with {producer.returncode}")
        finally:
            assert producer.stdin
            producer.stdin.close()
            try:
                producer.wait(_STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                producer.kill()
