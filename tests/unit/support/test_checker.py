"""The invariants checker finds what is planted, and nothing in a run without a fault."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kafka_lambda_sink.core.record import TopicPartition
from tests.support.checker import Expectation, Interruption, Report, check
from tests.support.observation import Call, Observation, Sample, Visible, Written

TP = TopicPartition("orders", 0)
#: Gaps as transactions leave them: 3 and 6 are markers.
OFFSETS = (0, 1, 2, 4, 5)
END = 7
EXPECT = Expectation(batch_size=3)


def payload(offset: int, /, **changes: Any) -> dict[str, Any]:
    record = {"timestamp": 1000 + offset, "topic": "orders", "partition": 0, "offset": offset}
    return record | {"key": f"k{offset}", "value": {"id": offset}} | changes


def call(number: int, arrived: int, offsets: Sequence[int], *, took: int = 50, **changes: Any) -> Call:
    payloads = tuple(payload(offset) for offset in offsets)
    whole = Call(
        number=number,
        arrived=arrived,
        known=arrived + took,
        sent=True,
        status=200,
        function_error=None,
        body=json.dumps([{"payload": element} for element in payloads]).encode(),
        reply=b"",
        payloads=payloads,
        problem=None,
        answers=payloads,
    )
    return replace(whole, **changes)


def result(offset: int, appended: int, **changes: Any) -> Written:
    key = json.dumps({"topic": "orders", "partition": 0, "offset": offset}).encode()
    return replace(Written(appended, key, json.dumps(payload(offset)).encode()), **changes)


def error(start: int, end: int, appended: int, **changes: Any) -> Written:
    key = {"topic": "orders", "partition": 0, "startOffset": start, "endOffset": end}
    value = {"functionName": "f", "inputPayload": "[]", "statusCode": 200, "functionError": "Unhandled"} | changes
    return Written(appended, json.dumps(key).encode(), json.dumps(value).encode())


def healthy() -> Observation:
    """Two calls, two commits, everything in time."""
    return Observation(
        visible={TP: [Visible(o, 1000 + o, b"k%d" % o, b'{"id":%d}' % o) for o in OFFSETS]},
        ends={TP: END},
        calls=[call(1, 10_000, (0, 1, 2)), call(2, 10_100, (4, 5))],
        commits=[Sample(9_000, {}), Sample(10_080, {TP: 3}), Sample(10_200, {TP: END})],
        results=[result(o, 10_060) for o in (0, 1, 2)] + [result(o, 10_160) for o in (4, 5)],
    )


def found(run: Observation, expect: Expectation = EXPECT) -> set[str]:
    return {violation.invariant for violation in check(run, expect).violations}


def test_a_run_without_a_fault_has_no_violation():
    assert check(healthy(), EXPECT) == Report(
        records=5, lost=0, duplicated=0, out_of_order=0, recovered_after=None, violations=[]
    )


@pytest.mark.parametrize(
    ("sample", "invariant"),
    [
        (Sample(10_049, {TP: 1}), "I1"),
        (Sample(10_140, {TP: 5}), "I1"),
        (Sample(10_055, {TP: 3}), "I2"),
        (Sample(10_155, {TP: END}), "I2"),
    ],
    ids=["before the call ended", "a gap further", "before the results", "before the last results"],
)
def test_an_early_commit(sample: Sample, invariant: str):
    run = healthy()
    commits = sorted([*run.commits, sample], key=lambda one: one.at)
    assert invariant in found(replace(run, commits=commits))


def test_a_commit_past_a_reply_that_was_never_sent():
    run = healthy()
    calls = [run.calls[0], replace(run.calls[1], sent=False)]
    assert {"I1", "I3"} <= found(replace(run, calls=calls))


@pytest.mark.parametrize(
    "changes", [{"function_error": "Unhandled"}, {"status": 429}, {"answers": None}, {"answers": (payload(4),)}]
)
def test_a_failed_call_covers_nothing(changes: dict[str, Any]):
    run = healthy()
    assert {"I1", "I3"} <= found(replace(run, calls=[run.calls[0], replace(run.calls[1], **changes)]))


def test_without_results_any_success_counts():
    run = healthy()
    calls = [replace(one, answers=None, reply=b"null") for one in run.calls]
    assert found(replace(run, calls=calls, results=None)) == set()
    assert found(replace(run, calls=[replace(one, status=202) for one in calls], results=None)) == set()


def test_a_record_that_never_came_is_lost():
    run = healthy()
    report = check(replace(run, calls=run.calls[:1], results=(run.results or [])[:3], commits=run.commits[:2]), EXPECT)
    assert report.lost == 2
    assert {(violation.invariant, violation.offset) for violation in report.violations} == {
        ("I3", 4),
        ("I3", 5),
        ("I3", None),
    }


def test_a_missing_result_is_lost():
    run = healthy()
    assert {"I2", "I3"} == found(replace(run, results=(run.results or [])[:-1]))


def test_commits_that_do_not_come_to_the_last_record():
    run = healthy()
    assert found(replace(run, commits=run.commits[:2])) == {"I3"}


def test_what_is_passed_over_as_configured_is_not_owed():
    run = healthy()
    late = replace(run, calls=run.calls[1:], results=(run.results or [])[3:])
    assert "I3" in found(late)
    assert found(late, replace(EXPECT, begin={TP: 4})) == set()


def test_order_across_and_within_bodies():
    run = healthy()
    first, second = run.calls
    swapped = [replace(second, number=1, arrived=9_000, known=9_050), replace(first, number=2)]
    assert "I4" in found(replace(run, calls=swapped))
    assert "I4" in found(replace(run, calls=[call(1, 10_000, (0, 2, 1)), second]))
    assert check(replace(run, calls=swapped), EXPECT).out_of_order == 3


def test_two_calls_of_one_partition_at_a_time():
    run = healthy()
    overlapping = replace(run, calls=[run.calls[0], replace(run.calls[1], arrived=10_040)])
    assert found(overlapping) == {"I4"}
    assert found(overlapping, replace(EXPECT, interruptions=[Interruption(10_020, 10_020)])) == set()
    assert found(overlapping, replace(EXPECT, interruptions=[Interruption(10_090, 10_095)])) == {"I4"}


def test_bodies_that_break_the_contract():
    run = healthy()
    first, second = run.calls
    other = tuple(payload(o, partition=o % 2) for o in (0, 1, 2))
    assert "I5" in found(replace(run, calls=[replace(first, payloads=other), second]))
    assert "I5" in found(run, replace(EXPECT, batch_size=2))
    assert "I5" in found(run, replace(EXPECT, batch_bytes=100))
    assert "I5" in found(replace(run, calls=[replace(first, problem="NaN is no JSON"), second]))


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": 1},
        {"key": None},
        {"value": {"id": 9}},
        {"value": '{"id":1}'},
        {"more": 1},
        {"offset": 3},
    ],
)
def test_bodies_that_differ_from_the_source(changes: dict[str, Any]):
    run = healthy()
    altered = (payload(0), payload(1, **changes), payload(2))
    assert "I6" in found(replace(run, calls=[replace(run.calls[0], payloads=altered, answers=altered), run.calls[1]]))


def test_results_that_nobody_gave():
    run = healthy()
    results = list(run.results or ())
    for wrong in (
        result(0, 10_300, value=b'{"another":1}'),
        result(3, 10_300),
        result(0, 10_300, key=b'{"topic":"orders","partition":0,"offset":true}'),
        result(0, 10_300, key=b'{"topic":"orders","partition":0}'),
        result(0, 10_300, key=None),
    ):
        assert found(replace(run, results=[*results, wrong])) == {"I7"}
    assert found(replace(run, results=[*results, result(0, 10_300)])) == set()


def test_a_result_of_a_rejected_reply():
    run = healthy()
    calls = [replace(run.calls[0], function_error="Unhandled"), run.calls[1]]
    assert "I7" in found(replace(run, calls=calls))


def test_error_records():
    run = healthy()
    failed = replace(
        run,
        calls=[replace(run.calls[0], function_error="Unhandled"), run.calls[1]],
        results=(run.results or [])[3:],
        errors=[error(0, 3, 10_070)],
    )
    log = replace(EXPECT, behavior_on_error="log")
    assert found(failed, log) == set()
    assert found(replace(failed, errors=[error(0, 3, 10_090)]), log) == {"I1"}
    assert {"I8", "I3"} <= found(replace(failed, errors=[error(0, 2, 10_070)]), log)
    assert found(replace(failed, errors=[error(0, 3, 10_070, functionError=None)]), log) == {"I8"}
    assert found(replace(failed, errors=[error(0, 3, 10_070, statusCode="200")]), log) == {"I8"}
    assert found(replace(failed, errors=[error(0, 3, 10_070, payload=7)]), log) == {"I8"}
    assert "I3" in found(failed, replace(EXPECT, behavior_on_error="fail"))


def test_failures_that_are_only_logged_or_ignored():
    run = healthy()
    calls = [replace(run.calls[0], function_error="Unhandled"), run.calls[1]]
    failed = replace(run, calls=calls, results=(run.results or [])[3:])
    line = {"event": "batch failed", "topic": "orders", "partition": 0, "start_offset": 0, "end_offset": 3}
    log = replace(EXPECT, behavior_on_error="log")
    assert found(replace(failed, log=[line | {"at": 10_060}]), log) == set()
    assert "I1" in found(replace(failed, log=[line | {"at": 10_100}]), log)
    assert "I3" in found(failed, log)
    assert found(failed, replace(EXPECT, behavior_on_error="ignore")) == set()


def test_a_stopped_partition():
    run = healthy()
    failing = replace(run.calls[1], function_error="Unhandled")
    stopped = replace(run, calls=[run.calls[0], failing], results=(run.results or [])[:3], commits=run.commits[:2])
    expect = replace(EXPECT, stopped={TP: 4})
    at_four = Sample(10_300, {TP: 4})
    assert found(replace(stopped, commits=[*run.commits[:2], at_four]), expect) == set()
    assert "I9" in found(replace(stopped, commits=run.commits), expect)
    more = replace(stopped, visible={TP: [*run.visible[TP], Visible(6, 1006, b"k6", b'{"id":6}')]})
    on = replace(more, calls=[*stopped.calls, call(3, 11_000, (6,))], commits=[*run.commits[:2], at_four])
    assert "I9" in found(on, expect)


def test_a_commit_that_goes_back_or_past_the_end():
    run = healthy()
    back = replace(run, commits=[*run.commits, Sample(10_300, {TP: 3}), Sample(10_400, {TP: END})])
    assert found(back) == {"I10"}
    assert found(back, replace(EXPECT, rewound={TP})) == set()
    assert found(replace(run, commits=[*run.commits, Sample(10_300, {TP: END + 1})])) == {"I10"}


def test_repeats_need_a_failure_or_an_interruption():
    run = healthy()
    again = replace(run, calls=[*run.calls, call(3, 14_000, (4, 5))])
    report = check(again, EXPECT)
    assert report.duplicated == 2
    assert {violation.invariant for violation in report.violations} == {"I11"}
    assert found(again, replace(EXPECT, interruptions=[Interruption(10_500, 10_500)])) == set()
    # An outcome from long before the interruption was committed by then; a repeat before it has another cause.
    assert found(again, replace(EXPECT, interruptions=[Interruption(13_900, 13_900)])) == {"I11"}
    assert found(again, replace(EXPECT, interruptions=[Interruption(14_500, 14_500)], window=9_000)) == {"I11"}
    retried = [run.calls[0], replace(run.calls[1], sent=False), call(3, 10_160, (4, 5), took=5)]
    late = [replace(one, appended=10_170) if one.appended == 10_160 else one for one in run.results or ()]
    assert found(replace(run, calls=retried, results=late)) == set()


def test_time_to_recover():
    run = healthy()
    assert check(run, replace(EXPECT, interruptions=[Interruption(10_060, 10_070)])).recovered_after == 80


def test_secrets():
    run = replace(healthy(), output="signing with s3cret")
    assert found(run, replace(EXPECT, secrets=["s3cret"])) == {"I13"}
    assert found(run, replace(EXPECT, secrets=["other"])) == set()
    leaked = replace(run, errors=[error(0, 3, 10_070, payload="s3cret")], output="")
    assert "I13" in found(leaked, replace(EXPECT, secrets=["s3cret"]))
