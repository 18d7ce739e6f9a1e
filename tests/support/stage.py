"""Threads of a test that are told apart by whether they go on by themselves or wait for what the test does next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

#: Seconds after which something hangs.
PATIENCE: Final = 10.0


class Stage:
    """Counts the threads that go on by themselves, so that a test can wait until none does."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._failures: list[BaseException] = []

    def run(self, target: Callable[[], object], name: str) -> None:
        """Run `target` on a thread of its own."""

        def run_and_leave() -> None:
            try:
                target()
            except BaseException as error:  # noqa: BLE001 - shown by `settle`, on the test's own thread
                self._failures.append(error)
            finally:
                self.pause()

        self.go_on()
        threading.Thread(target=run_and_leave, name=name, daemon=True).start()

    def go_on(self, count: int = 1) -> None:
        """So many threads are about to go on."""
        with self._changed:
            self._running += count

    def pause(self) -> None:
        """The calling thread is about to wait for the test, or ends."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def settle(self) -> None:
        """Wait until no thread goes on by itself."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._running, PATIENCE), "a thread hangs"
        if self._failures:
            raise self._failures.pop()


class StagedEvent(threading.Event):
    """An event whose waiting threads count as waiting for the test; their time-outs pass when it says so."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._guard = threading.Lock()
        self._waiting: list[threading.Event] = []

    def wait(self, timeout: float | None = None) -> bool:
        with self._guard:
            if self.is_set() or timeout == 0:
                return self.is_set()
            bell = threading.Event()
            self._waiting.append(bell)
        self._stage.pause()
        assert bell.wait(PATIENCE * 10), "nobody ends this wait"
        return self.is_set()

    def set(self) -> None:
        with self._guard:
            super().set()
            self._wake()

    def elapse(self) -> None:
        """The time of all that wait is over."""
        with self._guard:
            self._wake()

    def is_waited_for(self) -> bool:
        return bool(self._waiting)

    def _wake(self) -> None:
        self._stage.go_on(len(self._waiting))
        for bell in self._waiting:
            bell.set()
        self._waiting = []


class StagedCondition(threading.Condition):
    """The same of a condition."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self.waiting = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout != 0
        self.waiting += 1
        self._stage.pause()
        assert super().wait(PATIENCE * 10), "nobody ends this wait"
        return True

    def notify_all(self) -> None:
        self._stage.go_on(self.waiting)
        self.waiting = 0
        super().notify_all()

    def elapse(self) -> None:
        with self:
            self.notify_all()
