"""Invariants of what was delivered when, and what was committed when: I1 to I4, I9 to I11."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from kafka_lambda_sink.core.record import TopicPartition
from tests.support.observation import Call, Observation
from tests.support.violation import Violation

if TYPE_CHECKING:
    from tests.support.checker import Expectation

#: Later than any time that is compared with it.
_NEVER = 1 << 62

Place = tuple[TopicPartition, int]


class Outcomes:
    """When each record had its final outcome at the earliest, and every call that it was in."""

    def __init__(self, run: Observation, expect: Expectation) -> None:
        self.run = run
        self.expect = expect
        #: Record to its calls, in order of arrival.
        self.deliveries: dict[Place, list[Call]] = defaultdict(list)
        #: Record to the time of its first final outcome.
        self.known: dict[Place, int] = {}
        #: Record to the time its first result was in the response topic.
        self.reported: dict[Place, int] = {}
        self._take_calls()
        self._take_errors()
        self._take_log()
        for written in run.results or ():
            key = _object(written.key)
            place = (TopicPartition(key.get("topic", ""), key.get("partition", -1)), key.get("offset", -1))
            _earliest(self.reported, place, written.appended)

    def covered(self, place: Place) -> int:
        """When the record could be committed past: it has its outcome and, where results are due, its result."""
        known = self.known.get(place, _NEVER)
        if self.run.results is None or not self._by_success(place):
            return known
        return max(known, self.reported.get(place, _NEVER))

    def owed(self, tp: TopicPartition) -> list[int]:
        """Offsets of the partition's records that count."""
        begin = self.expect.begin.get(tp, 0)
        return [record.offset for record in self.run.visible.get(tp, ()) if record.offset >= begin]

    def is_success(self, call: Call) -> bool:
        """Whether the caller got a success that counts under this configuration."""
        return call.succeeded(with_results=self.run.results is not None)

    def _by_success(self, place: Place) -> bool:
        return any(self.is_success(call) for call in self.deliveries.get(place, ()))

    def _take_calls(self) -> None:
        for call in self.run.calls:
            failed = call.sent and (call.function_error is not None or call.status == 200)
            counts = self.is_success(call) or (failed and self.expect.behavior_on_error == "ignore")
            for offset in call.offsets:
                self.deliveries[call.tp, offset].append(call)
                if counts:
                    _earliest(self.known, (call.tp, offset), call.known)

    def _take_errors(self) -> None:
        # Under `fail` an error record tells of the stop; the offset stays.
        if self.expect.behavior_on_error == "fail":
            return
        for written in self.run.errors or ():
            key = _object(written.key)
            tp = TopicPartition(key.get("topic", ""), key.get("partition", -1))
            self._cover(tp, key.get("startOffset", 0), key.get("endOffset", 0), written.appended)

    def _take_log(self) -> None:
        for line in self.run.log:
            tp = TopicPartition(line.get("topic", ""), line.get("partition", -1))
            if line["event"] == "record not converted":
                self._cover(tp, line["offset"], line["offset"] + 1, line["at"])
            elif line["event"] == "batch failed" and self.run.errors is None and self.expect.behavior_on_error == "log":
                self._cover(tp, line["start_offset"], line["end_offset"], line["at"])

    def _cover(self, tp: TopicPartition, start: int, end: int, at: int) -> None:
        for offset in range(start, end):
            _earliest(self.known, (tp, offset), at)


def early_commits(outcomes: Outcomes) -> Iterator[Violation]:
    """I1, I2: at no time is an offset committed before everything below it has its outcome and its result."""
    for tp in outcomes.run.visible:
        offsets = outcomes.owed(tp)
        by_then = list(accumulate((outcomes.covered((tp, offset)) for offset in offsets), max))
        for sample in outcomes.run.commits:
            below = bisect_left(offsets, sample.offsets.get(tp, 0))
            if below and by_then[below - 1] > sample.at:
                offset = next(offset for offset in offsets if outcomes.covered((tp, offset)) > sample.at)
                invariant = "I1" if outcomes.known.get((tp, offset), _NEVER) > sample.at else "I2"
                missing = "outcome" if invariant == "I1" else "result"
                text = f"{sample.offsets[tp]} was committed at {sample.at}, before this record had its {missing}"
                yield Violation(invariant, text, tp, offset)
                break


def lost(outcomes: Outcomes) -> list[Violation]:
    """I3: every visible record has its outcome, and the commits have come to the end."""
    found = []
    last = outcomes.run.commits[-1].offsets if outcomes.run.commits else {}
    for tp in outcomes.run.visible:
        stop = outcomes.expect.stopped.get(tp)
        owed = [offset for offset in outcomes.owed(tp) if stop is None or offset < stop]
        found += [
            Violation("I3", "never had its outcome", tp, offset)
            for offset in owed
            if outcomes.covered((tp, offset)) == _NEVER
        ]
        if owed and stop is None and last.get(tp, 0) < owed[-1] + 1:
            found.append(Violation("I3", f"committed {last.get(tp)}, the last record is {owed[-1]}", tp))
    return found


def order(outcomes: Outcomes) -> list[Violation]:
    """I4: offsets increase strictly within a body, and so do the first arrivals of a partition."""
    found = []
    newest: dict[TopicPartition, int] = {}
    seen: set[Place] = set()
    for call in outcomes.run.calls:
        offsets = call.offsets
        found += [
            Violation("I4", f"call {call.number}: {after} stands behind {before}", call.tp, after)
            for before, after in pairwise(offsets)
            if after <= before
        ]
        for offset in offsets:
            if (call.tp, offset) in seen:
                continue
            seen.add((call.tp, offset))
            if offset < newest.get(call.tp, -1):
                text = f"call {call.number}: came for the first time behind {newest[call.tp]}"
                found.append(Violation("I4", text, call.tp, offset))
            newest[call.tp] = max(newest.get(call.tp, -1), offset)
    return found


def overlaps(outcomes: Outcomes) -> Iterator[Violation]:
    """I4: never two calls of one partition at a time, but for what an interruption left running."""
    running: dict[TopicPartition, Call] = {}
    for call in outcomes.run.calls:
        before = running.get(call.tp)
        if before is not None and before.known > call.arrived and not _is_interrupted(outcomes, before):
            text = f"call {call.number} arrived {before.known - call.arrived} ms before the end of call {before.number}"
            yield Violation("I4", text, call.tp, call.offsets[0] if call.offsets else None)
        if before is None or call.known >= before.known:
            running[call.tp] = call


def stopped(outcomes: Outcomes) -> Iterator[Violation]:
    """I9: a stopped partition stays committed at the batch that failed, and nothing behind that batch is sent."""
    last = outcomes.run.commits[-1].offsets if outcomes.run.commits else {}
    for tp, first in outcomes.expect.stopped.items():
        if last.get(tp, first) != first:
            yield Violation("I9", f"committed {last[tp]}, stopped at {first}", tp, first)
        calls = [call for call in outcomes.run.calls if call.tp == tp and call.offsets]
        failed = [call for call in calls if call.offsets[0] == first]
        end = max((call.offsets[-1] for call in failed), default=first)
        for call in calls:
            if call.offsets[-1] > end:
                yield Violation("I9", f"call {call.number} went on behind the stop", tp, call.offsets[-1])


def rewinds(outcomes: Outcomes) -> Iterator[Violation]:
    """I10: committed offsets never go back, and never past the end."""
    newest: dict[TopicPartition, int] = {}
    for sample in outcomes.run.commits:
        for tp, offset in sample.offsets.items():
            if offset < newest.get(tp, 0) and tp not in outcomes.expect.rewound:
                yield Violation("I10", f"went back from {newest[tp]} to {offset} at {sample.at}", tp, offset)
            newest[tp] = offset
            if offset > outcomes.run.ends.get(tp, _NEVER):
                yield Violation("I10", f"committed past the end {outcomes.run.ends[tp]}", tp, offset)


def repeats(outcomes: Outcomes) -> Iterator[Violation]:
    """I11: a record is delivered again only after a failure, or where an interruption took its commit away."""
    for (tp, offset), calls in outcomes.deliveries.items():
        for before, after in pairwise(calls):
            if not outcomes.is_success(before) or _is_excused(outcomes, (tp, offset), after):
                continue
            text = f"call {before.number} had succeeded, call {after.number} delivered it again"
            yield Violation("I11", text, tp, offset)


def _is_interrupted(outcomes: Outcomes, call: Call) -> bool:
    return any(
        call.arrived <= interruption.ended and call.known >= interruption.began
        for interruption in outcomes.expect.interruptions
    )


def _is_excused(outcomes: Outcomes, place: Place, again: Call) -> bool:
    known = outcomes.known[place]
    return any(
        interruption.began - outcomes.expect.window <= known <= interruption.ended
        and interruption.began <= again.arrived
        for interruption in outcomes.expect.interruptions
    )


def _earliest(times: dict[Place, int], place: Place, at: int) -> None:
    times[place] = min(times.get(place, _NEVER), at)


def _object(data: bytes | None) -> dict[str, Any]:
    """A JSON object, or an empty one: what is wrong with it is told by the content's invariants."""
    try:
        document = json.loads(data or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
