"""A supervisor's line to a process, and the lock that keeps the lines of several apart."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kafka_lambda_sink.core.state import PipelineState, TaskState
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.telemetry.line_lock import LineLock
from kafka_lambda_sink.worker.messages import PartitionStatus, TaskOrder, TaskStatus, line_of
from kafka_lambda_sink.worker.status import ConnectorOverview, TaskOverview
from kafka_lambda_sink.worker.supervision import Phase
from kafka_lambda_sink.worker.task_process import TaskProcess
from tests.support.waiting import wait_until

LOCK = LineLock.create()
ORDER = TaskOrder("sink.properties", None, {"a": "s3cret" * 100_000}, "orders", "connect-orders", 1, 2, LOCK.fd)
STATUS = TaskStatus(
    TaskState.FAILED,
    [PartitionStatus("t", 0, PipelineState.FAILED, "why"), PartitionStatus("t", 1, PipelineState.RUNNING)],
    source_partitions=2,
    counters=Counters(delivered=7),
)
#: Says the same status many times, more than a socket holds, and waits until it is asked to stop.
SCRIPT = f"""
import socket, sys
from kafka_lambda_sink.worker.supervisor_link import SupervisorLink
channel = socket.socket(fileno=int(sys.argv[-1]))
order = SupervisorLink(channel).receive_order()
assert (len(order.overrides["a"]), order.number) == (600_000, 1)
assert "s3cret" not in open("/proc/self/cmdline").read()
for _ in range(3000):
    channel.sendall({line_of(STATUS)!r})
assert channel.recv(1) == b""
channel.sendall({line_of(STATUS)!r} + b'{{"half')
sys.exit(4)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "script_of_a_task.py").write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return "script_of_a_task"


def test_a_process_is_told_its_order_tells_its_status_and_is_stopped(module):
    process = TaskProcess(module, ORDER)

    def ended():
        return not process.read()

    wait_until(lambda: not ended() and process.status, what="a status")
    assert process.status == STATUS
    assert process.exit_code() is None
    process.stop()
    wait_until(ended, what="the end of the stream")
    assert wait_until(process.exit_code) == 4
    assert process.status == STATUS
    process.channel.close()


def test_counts_go_on_over_the_processes_of_a_task():
    tasks = [
        TaskOverview(0, Phase.RUNNING, newest=STATUS, before=Counters(delivered=30, failed=1)),
        TaskOverview(1, Phase.WAITING, before=Counters(delivered=200)),
    ]
    connector = ConnectorOverview("orders", tasks)
    assert connector.counters == Counters(delivered=237, failed=1)
    assert connector.source_partitions == 2


def test_long_lines_of_several_processes_are_not_mixed():
    script = (
        "import sys, logging; from kafka_lambda_sink.telemetry.line_lock import LineLock;"
        "handler = LineLock(int(sys.argv[1])).handler(sys.stderr); logging.getLogger().addHandler(handler);"
        "[logging.error(sys.argv[2] * 100_000) for _ in range(30)]"
    )
    read, write = os.pipe()
    words = [sys.executable, "-c", script, str(LOCK.fd)]
    writers = [subprocess.Popen([*words, name], stderr=write, pass_fds=[LOCK.fd]) for name in "abc"]
    os.close(write)
    with os.fdopen(read) as stream:
        lines = stream.read().splitlines()
    assert [writer.wait(10) for writer in writers] == [0, 0, 0]
    assert sorted((line[:1], len(line), len(set(line))) for line in lines) == [
        (name, 100_000, 1) for name in "abc" for _ in range(30)
    ]
