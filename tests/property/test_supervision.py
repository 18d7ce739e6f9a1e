"""Whatever ends when: one process a task, a pause before each restart, and a stop that comes to an end."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.worker.exit_codes import ExitCode
from kafka_lambda_sink.worker.supervision import (
    FIRST_PAUSE,
    STOP_MARGIN,
    Action,
    GiveUp,
    Kill,
    Pause,
    Start,
    Stop,
    Supervision,
    TaskKey,
)

KEYS = [TaskKey("a", 0), TaskKey("a", 1), TaskKey("b", 0)]
STOP_TIMEOUT = 5.0
CODES = [0, 1, 2, 3, 4, -9, -15, 77]
#: Seconds that pass, then: a task whose process ends if it has one, with its code; or a stop; or nothing.
EVENTS = st.tuples(
    st.floats(0, 400),
    st.one_of(st.tuples(st.sampled_from(KEYS), st.sampled_from(CODES)), st.just("stop"), st.none()),
)


class Machine:
    """Does what is asked, and holds it against what was asked before."""

    def __init__(self, draws: st.DataObject) -> None:
        self.now = 0.0
        self.running: set[TaskKey] = set()
        self.asked: dict[TaskKey, float] = {}
        self.ended: dict[TaskKey, float] = {}
        self.given_up: set[str] = set()
        self.failed: set[TaskKey] = set()
        self.is_stopping = False
        self.supervision = Supervision(lambda: draws.draw(st.floats(0, 1, exclude_max=True)))
        self.do(self.supervision.start("a", 2, STOP_TIMEOUT, 0.0))
        self.do(self.supervision.start("b", 1, STOP_TIMEOUT, 0.0))

    def do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            key = action.task
            match action:
                case Start():
                    assert key not in self.running | self.failed
                    assert key.connector not in self.given_up
                    assert not self.is_stopping
                    assert self.now - self.ended.get(key, -1.0) >= FIRST_PAUSE / 2
                    self.running.add(key)
                case Stop():
                    assert key in self.running
                    assert key not in self.asked
                    self.asked[key] = self.now
                case Kill():
                    assert key in self.running
                    assert self.now >= self.asked[key] + STOP_TIMEOUT + STOP_MARGIN
                    self.end(key, -9)
                case Pause(_, seconds):
                    assert key not in self.running
                    assert seconds > 0
                case GiveUp(_, code):
                    self.failed.add(key)
                    if code is not ExitCode.ALL_PARTITIONS_FAILED:
                        self.given_up.add(key.connector)

    def end(self, key: TaskKey, code: int) -> None:
        self.running.discard(key)
        self.ended[key] = self.now
        self.do(self.supervision.ended(key, code, self.now))

    def stop(self) -> None:
        self.is_stopping = True
        self.do(self.supervision.stop(self.now))
        assert self.running == self.running & self.asked.keys()

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.supervision.tick(self.now))


@given(st.lists(EVENTS, max_size=30), st.data())
def test_every_order_of_ends_and_stops(events, draws):
    machine = Machine(draws)
    for seconds, event in events:
        machine.tick(seconds)
        if event == "stop":
            machine.stop()
        elif event is not None and event[0] in machine.running:
            machine.end(*event)
        assert machine.supervision.is_over is (
            not machine.running and (machine.is_stopping or all(given_up(machine, key) for key in KEYS))
        )
    machine.stop()
    machine.tick(STOP_TIMEOUT + STOP_MARGIN)
    assert machine.supervision.is_over
    assert not machine.running
    assert (machine.supervision.exit_code is ExitCode.OK) <= (not machine.failed)


def given_up(machine: Machine, key: TaskKey) -> bool:
    return key in machine.failed or key.connector in machine.given_up
