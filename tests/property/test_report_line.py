"""The REPORT line: read back whatever Lambda adds, and no log upsets it."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.core.report_line import ReportLine, report_of_log, report_of_tail

#: Field → name and unit in the line, in Lambda's order.
AMOUNTS = {
    "duration_ms": ("Duration", "ms"),
    "billed_duration_ms": ("Billed Duration", "ms"),
    "memory_size_mb": ("Memory Size", "MB"),
    "max_memory_used_mb": ("Max Memory Used", "MB"),
    "init_duration_ms": ("Init Duration", "ms"),
    "restore_duration_ms": ("Restore Duration", "ms"),
    "billed_restore_duration_ms": ("Billed Restore Duration", "ms"),
}
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8).map(str.title)
additions = st.tuples(words, words, words).map(lambda found: f"{found[0]} {found[1]} Duration: {found[2]}")


@given(
    amounts=st.fixed_dictionaries({}, optional={name: st.integers(0, 10**9) for name in AMOUNTS}),
    added=st.lists(st.tuples(st.integers(0, 8), additions), max_size=4),
    before=st.text(),
    is_traced=st.booleans(),
)
def test_what_is_written_is_read_back(amounts, added, before, is_traced):
    parts = [f"{AMOUNTS[name][0]}: {hundredths / 100:.2f} {AMOUNTS[name][1]}" for name, hundredths in amounts.items()]
    for place, text in added:
        parts.insert(place, text)
    line = "\t".join(["REPORT RequestId: r-1", *parts]) + "\t\n"
    trace = "XRAY TraceId: 1-2-3\tSegmentId: 4\tSampled: true\t\n" if is_traced else ""
    tail = base64.b64encode(f"{before}\n{line}{trace}".encode(errors="replace")).decode()
    expected = ReportLine(
        request_id="r-1",
        xray_trace_id="1-2-3" if is_traced else None,
        xray_segment_id="4" if is_traced else None,
        **{name: hundredths / 100 for name, hundredths in amounts.items()},
    )
    assert report_of_tail(tail) == expected


@given(st.text(), st.binary(max_size=200))
def test_no_log_upsets_it(text, noise):
    report_of_log(f"REPORT RequestId: {text}")
    report_of_log('{"type":"platform.report","record":' + text)
    report_of_tail(text)
    report_of_tail(base64.b64encode(noise).decode())
