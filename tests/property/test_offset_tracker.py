"""The tracker against a model that is too simple to be wrong."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from kafka_lambda_sink.core.offsets import OffsetTracker, Span
from kafka_lambda_sink.core.ports import Position


class TrackerAgainstModel(RuleBasedStateMachine):
    """Model: a list of (end, resolved) in offset order; the committable offset is the end of its resolved prefix."""

    spans: Bundle[Span] = Bundle("spans")

    @initialize(start=st.integers(0, 1000))
    def begin(self, start):
        self.tracker = OffsetTracker(Position(start))
        self.floor = start
        self.model: list[list[object]] = []

    @rule(target=spans, gap=st.integers(1, 50))
    def track(self, gap):
        last = self.model[-1][0] if self.model else self.floor
        end = last + gap
        span = self.tracker.track(Position(end))
        self.model.append([end, False, span])
        return span

    @rule(target=spans)
    def hold(self):
        last = self.model[-1][0] if self.model else self.floor
        span = self.tracker.hold()
        self.model.append([last, False, span])
        return span

    @rule(span=spans)
    def resolve(self, span):
        for entry in self.model:
            if entry[2] is span:
                entry[1] = True
        self.tracker.resolve(span)
        while self.model and self.model[0][1]:
            self.floor = self.model.pop(0)[0]

    @rule(offset=st.integers(0, 2000))
    def rest(self, offset):
        moved = self.tracker.rest(Position(offset))
        expected = not self.model and offset > self.floor
        assert moved is expected
        if expected:
            self.floor = offset

    @precondition(lambda self: self.model)
    @rule(back=st.integers(0, 50))
    def refuse_what_is_not_after_the_last(self, back):
        with pytest.raises(ValueError, match="does not come after"):
            self.tracker.track(Position(self.model[-1][0] - back))

    @invariant()
    def committable_is_the_whole_resolved_prefix_and_no_more(self):
        if hasattr(self, "tracker"):
            assert self.tracker.committable.offset == self.floor
            assert self.tracker.pending == len(self.model)


TrackerAgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTracker = TrackerAgainstModel.TestCase
