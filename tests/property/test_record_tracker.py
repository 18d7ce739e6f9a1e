"""The tracker of records against a model that is too simple to be wrong."""

from itertools import groupby

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record_tracker import Group, RecordTracker


class TrackerAgainstModel(RuleBasedStateMachine):
    """Model: every record that was ever followed, by its offset, and whether it is free, in a group or finished."""

    @initialize(start=st.integers(0, 1000))
    def begin(self, start):
        self.tracker = RecordTracker(Position(start))
        self.floor: int = start
        self.records: dict[int, str] = {}
        self.groups: list[tuple[Group, list[int]]] = []

    @rule(gaps=st.lists(st.sampled_from([1, 1, 1, 2, 5]), max_size=8))
    def follow(self, gaps):
        ends = []
        last = max([self.floor, *(offset + 1 for offset in self.records)])
        for gap in gaps:
            last += gap
            ends.append(Position(last))
            self.records[last - 1] = "free"
        self.tracker.follow(ends)

    @precondition(lambda self: self.offsets("free"))
    @rule(data=st.data(), is_reported=st.booleans())
    def settle(self, data, is_reported):
        offsets = data.draw(st.lists(st.sampled_from(self.offsets("free")), unique=True, max_size=4))
        if is_reported:
            self.groups.append((self.tracker.track(offsets), offsets))
            self.records |= dict.fromkeys(offsets, "grouped")
            return
        before = self.committable
        self.records |= dict.fromkeys(offsets, "finished")
        assert self.tracker.finish(offsets) is (self.committable > before)

    @rule()
    def put_together(self):
        self.tracker._put_together()
        assert self.tracker.kept == self.tracker.unfinished + len(self.tracker.to_commit.done)

    @precondition(lambda self: self.groups)
    @rule(data=st.data(), again=st.booleans())
    def resolve(self, data, again):
        group, offsets = self.groups.pop(data.draw(st.integers(0, len(self.groups) - 1)))
        before = self.committable
        self.records |= dict.fromkeys(offsets, "finished")
        assert self.tracker.resolve(group) is (self.committable > before)
        if again:
            assert not self.tracker.resolve(group)

    @precondition(lambda self: self.records.keys() - set(self.offsets("free")))
    @rule(data=st.data())
    def refuse_what_has_its_outcome(self, data):
        taken = data.draw(st.sampled_from(sorted(self.records.keys() - set(self.offsets("free")))))
        with pytest.raises(KeyError):
            self.tracker.track([*self.offsets("free"), taken])

    @precondition(lambda self: self.records)
    @rule(back=st.integers(0, 9))
    def refuse_what_is_not_after_the_last(self, back):
        last = max(self.floor, max(self.records) + 1)
        with pytest.raises(ValueError, match="does not come after"):
            self.tracker.follow([Position(last + 1), Position(last - back)])

    @rule(ahead=st.integers(-5, 5))
    def rest(self, ahead):
        offset = max(0, self.committable + ahead)
        expected = not self.unfinished and offset > self.committable
        assert self.tracker.rest(Position(offset)) is expected
        if expected:
            self.floor = offset

    @invariant()
    def tracker_and_model_agree(self):
        if not hasattr(self, "tracker"):
            return
        assert self.tracker.committable.offset == self.committable
        assert self.tracker.pending == len(self.groups)
        assert self.tracker.unfinished == len(self.unfinished)
        assert self.tracker.to_commit.done == tuple(self.beyond)
        assert self.tracker.kept <= sum(offset >= self.committable for offset in self.records)
        assert len(self.tracker._ungrouped) == len(self.offsets("free"))

    def offsets(self, what: str) -> list[int]:
        return sorted(offset for offset, found in self.records.items() if found == what)

    @property
    def unfinished(self) -> list[int]:
        return [offset for offset, found in self.records.items() if found != "finished"]

    @property
    def committable(self) -> int:
        oldest = min(self.unfinished, default=None)
        ends = [offset + 1 for offset in self.records if oldest is None or offset < oldest]
        return max([self.floor, *ends])

    @property
    def beyond(self) -> list[tuple[int, int]]:
        rest = [offset for offset in sorted(self.records) if offset >= self.committable]
        runs = [list(run) for done, run in groupby(rest, lambda each: self.records[each] == "finished") if done]
        return [(run[0], run[-1] + 1) for run in runs]


TrackerAgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTracker = TrackerAgainstModel.TestCase
