import threading
from collections.abc import Iterator
from functools import partial

import pytest

from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool, InvokingThread
from tests.support.fakes import ScriptedInvoker
from tests.support.waiting import wait_until

PATIENCE = 10.0


class Opened:
    def __init__(self) -> None:
        self.invokers: list[ScriptedInvoker] = []

    def __call__(self, topic: str) -> ScriptedInvoker:
        assert topic in {"a", "b"}
        self.invokers.append(ScriptedInvoker())
        return self.invokers[-1]


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def pool(opened: Opened) -> Iterator[InvokingPool]:
    made = InvokingPool(opened, SystemClock(), max_threads=3)
    yield made
    made.close()
    wait_until(lambda: not made.threads, what="all threads end")


def _append(seen: list[int], number: int, _: InvokingThread) -> None:
    seen.append(number)


def _wait(event: threading.Event, _: InvokingThread) -> None:
    event.wait(PATIENCE)


def test_turns_run_side_by_side_up_to_so_many(pool: InvokingPool):
    together, go_on, fourth = threading.Barrier(4), threading.Event(), threading.Event()

    def meet(_: InvokingThread) -> None:
        together.wait(PATIENCE)
        go_on.wait(PATIENCE)

    for _ in range(3):
        pool.submit(meet)
    pool.submit(lambda _: fourth.set())
    together.wait(PATIENCE)
    assert not fourth.is_set(), "there are three threads"
    assert pool.threads == 3
    go_on.set()
    assert fourth.wait(PATIENCE)


def test_turns_run_in_the_order_that_they_came_in(opened: Opened):
    pool = InvokingPool(opened, SystemClock(), max_threads=1)
    seen: list[int] = []
    done = threading.Event()
    for number in range(50):
        pool.submit(partial(_append, seen, number))
    pool.submit(lambda _: done.set())
    assert done.wait(PATIENCE)
    assert seen == [*range(50)]
    pool.close()


def test_a_thread_keeps_its_invokers_until_one_was_aborted(opened: Opened):
    pool = InvokingPool(opened, SystemClock(), max_threads=1)
    done = threading.Event()

    def look(own: InvokingThread) -> None:
        assert own.invoker("a") is own.invoker("a")
        assert own.invoker("b") is not own.invoker("a")
        own.discard("a")
        assert own.invoker("a") is not None
        done.set()

    pool.submit(look)
    assert done.wait(PATIENCE)
    pool.close()
    wait_until(lambda: all(invoker.is_closed for invoker in opened.invokers), what="all are closed")


def test_what_is_due_later_comes_later_and_holds_nobody_up(pool: InvokingPool):
    seen: list[str] = []
    done = threading.Event()

    def last(_: InvokingThread) -> None:
        seen.append("later")
        done.set()

    pool.submit_later(0.2, last)
    pool.submit_later(0.05, lambda _: seen.append("sooner"))
    pool.submit(lambda _: seen.append("now"))
    assert done.wait(PATIENCE)
    assert seen == ["now", "sooner", "later"]


def test_what_is_due_does_not_wait_for_turns_that_last(pool: InvokingPool):
    go_on, due = threading.Event(), threading.Event()
    for _ in range(2):
        pool.submit(partial(_wait, go_on))
    pool.submit_later(0.05, lambda _: due.set())
    assert due.wait(PATIENCE)
    go_on.set()


def test_nothing_runs_after_the_close(opened: Opened):
    pool = InvokingPool(opened, SystemClock(), max_threads=1)
    began, go_on = threading.Event(), threading.Event()

    def hold(_: InvokingThread) -> None:
        began.set()
        go_on.wait(PATIENCE)

    pool.submit(hold)
    assert began.wait(PATIENCE)
    ran = threading.Event()
    pool.submit(lambda _: ran.set())
    pool.close()
    go_on.set()
    wait_until(lambda: not pool.threads, what="the thread ends")
    assert not ran.is_set()


def test_where_there_can_be_no_more_threads_the_others_do_it_all(opened: Opened, monkeypatch):
    pool = InvokingPool(opened, SystemClock(), max_threads=3)
    began, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def hold(_: InvokingThread) -> None:
        began.set()
        go_on.wait(PATIENCE)

    pool.submit(hold)
    assert began.wait(PATIENCE)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        pool.submit(lambda _: done.set())
    assert pool.threads == 1
    go_on.set()
    assert done.wait(PATIENCE)
    pool.close()
    wait_until(lambda: not pool.threads, what="the thread ends")


def test_a_first_thread_that_cannot_be_started_is_told(opened: Opened, monkeypatch):
    pool = InvokingPool(opened, SystemClock(), max_threads=3)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        pool.submit(lambda _: None)
    assert pool.threads == 0
