"""The REPORT line in the forms that Lambda writes it."""

import base64

from kafka_lambda_sink.core.report_line import ReportLine, report_of_log, report_of_tail

WARM = (
    "REPORT RequestId: r-1\tDuration: 12.68 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 39 MB\t\n"
)
LOG = "START RequestId: r-1 Version: $LATEST\nhello\nEND RequestId: r-1\n"


def test_a_warm_start():
    assert report_of_log(LOG + WARM) == ReportLine(
        request_id="r-1", duration_ms=12.68, billed_duration_ms=13, memory_size_mb=128, max_memory_used_mb=39
    )


def test_a_cold_start():
    report = report_of_log(WARM.rstrip("\n") + "Init Duration: 129.82 ms\t\n")
    assert report is not None
    assert report.init_duration_ms == 129.82
    assert report.duration_ms == 12.68


def test_a_start_from_a_snapshot_with_tracing_on_a_line_of_its_own():
    log = WARM.rstrip("\n") + (
        "Restore Duration: 325.93 ms\tBilled Restore Duration: 26 ms\t\n"
        "XRAY TraceId: 1-66d978e5-56c7378e556e94b5461da07c\tSegmentId: 29c3839e6ecb5895\tSampled: true\t\n"
    )
    report = report_of_log(log)
    assert report is not None
    assert (report.restore_duration_ms, report.billed_restore_duration_ms) == (325.93, 26)
    assert (report.xray_trace_id, report.xray_segment_id) == (
        "1-66d978e5-56c7378e556e94b5461da07c",
        "29c3839e6ecb5895",
    )


def test_what_lambda_adds_is_passed_over():
    report = report_of_log(WARM.rstrip("\n") + "Warp Duration: 3 ms\tStatus: timeout\tError Type: Runtime.ExitError\n")
    assert report is not None
    assert report.duration_ms == 12.68, "a longer name is another field"


def test_the_last_one_is_the_platforms():
    fake = "REPORT RequestId: r-1\tDuration: 0.01 ms\n"
    report = report_of_log(fake + LOG + WARM)
    assert report is not None
    assert report.duration_ms == 12.68


def test_the_log_format_json():
    log = (
        '{"message":"hello"}\n'
        '{"time":"2026-01-01T00:00:00Z","type":"platform.report","record":{"requestId":"r-2","metrics":{'
        '"durationMs":1.5,"billedDurationMs":2,"memorySizeMB":512,"maxMemoryUsedMB":64,"initDurationMs":99.5,'
        '"new":[1]},"tracing":{"spanId":"s","type":"X-Amzn-Trace-Id","value":"Root=1-2-3;Parent=4;Sampled=1"},'
        '"status":"success"}}\n'
    )
    assert report_of_log(log) == ReportLine(
        request_id="r-2",
        duration_ms=1.5,
        billed_duration_ms=2,
        memory_size_mb=512,
        max_memory_used_mb=64,
        init_duration_ms=99.5,
        xray_trace_id="1-2-3",
        xray_segment_id="s",
    )


def test_logs_without_a_report():
    assert report_of_tail(None) is None
    assert report_of_tail("") is None
    assert report_of_tail("no base64!") is None
    assert report_of_tail(base64.b64encode(LOG.encode()).decode()) is None
    assert report_of_log('{"type":"platform.report","record":"none"}') is None
    assert report_of_log('{"type":"platform.report"') is None


def test_numbers_that_are_none_are_left_out():
    report = report_of_log("REPORT RequestId: r\tDuration: nan ms\tBilled Duration: 1_0 ms\tMemory Size: -1 MB\n")
    assert report == ReportLine(request_id="r")
