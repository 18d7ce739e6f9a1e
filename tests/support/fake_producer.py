"""A producer whose delivery reports are given by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kafka_lambda_sink.core.errors import PermanentReportError, TransientReportError
from kafka_lambda_sink.core.ports import DeliveryCallback, DeliveryFailure, Report


@dataclass
class Produced:
    """One report that waits for its delivery report."""

    report: Report
    done: DeliveryCallback

    def deliver(self) -> None:
        self.done(None)

    def fail(
        self,
        *,
        is_permanent: bool = False,
        is_too_large: bool = False,
        may_be_another: bool = False,
        is_fatal: bool = False,
    ) -> None:
        may_be_another = may_be_another or is_too_large
        kind = PermanentReportError if is_permanent or may_be_another else TransientReportError
        failure = DeliveryFailure(
            self.report,
            kind("scripted"),
            is_too_large=is_too_large,
            may_be_another=may_be_another,
            is_fatal=is_fatal,
        )
        self.done(failure)


class FakeProducer:
    """Keeps what it is given; `deliver_all` writes it, `close` hands it back as the real one does."""

    def __init__(self, *, delivers: bool = False) -> None:
        #: Write whatever is produced at once.
        self.delivers = delivers
        self.waiting: list[Produced] = []
        self.written: list[Report] = []
        #: Run before a report is taken.
        self.before_produce: Callable[[], None] = lambda: None
        self.is_closed = False

    def produce(self, report: Report, done: DeliveryCallback) -> None:
        self.before_produce()
        produced = Produced(report, done)
        if self.is_closed:
            produced.fail(is_fatal=True)
        else:
            self.waiting.append(produced)
            if self.delivers:
                self.deliver_all()

    def poll(self, timeout: float) -> None:
        assert timeout >= 0

    def close(self, timeout: float) -> int:
        assert timeout >= 0
        self.is_closed = True
        left = self.take()
        for produced in left:
            produced.fail(is_fatal=True)
        return len(left)

    # --- the test's side ---

    def take(self) -> list[Produced]:
        """What waits, oldest first, for the test to decide about."""
        taken, self.waiting = self.waiting, []
        return taken

    def deliver_all(self) -> None:
        for produced in self.take():
            self.written.append(produced.report)
            produced.deliver()
