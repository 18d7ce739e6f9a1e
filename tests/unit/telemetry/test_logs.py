from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from kafka_lambda_sink.telemetry.logs import LogFormat, LogLevel, RateLimited, configure, get_logger


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("kafka_lambda_sink").setLevel(logging.NOTSET)
    logging.captureWarnings(capture=False)


def configured(log_format: LogFormat = "json", level: LogLevel = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(log_format, level, "orders-sink", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_event_connector_and_fields():
    stream = configured()
    get_logger("kafka_lambda_sink.x").warning("batch failed", topic="orders", partition=3, request_id=None, wait_s=0.5)
    (line,) = lines(stream)
    time = line.pop("timestamp")
    assert line == {
        "level": "warning",
        "logger": "kafka_lambda_sink.x",
        "event": "batch failed",
        "connector": "orders-sink",
        "topic": "orders",
        "partition": 3,
        "wait_s": 0.5,
    }
    assert time[10] == "T"
    assert time[-5] == "."
    assert time[-1] == "Z"


def test_the_time_is_the_records_in_utc():
    stream = configured()
    record = logging.LogRecord("kafka_lambda_sink", logging.INFO, "", 0, "x", None, None)
    record.created = 1_700_000_000.0459
    logging.getLogger("kafka_lambda_sink").handle(record)
    assert lines(stream)[0]["timestamp"] == "2023-11-14T22:13:20.045Z"


FORGED = 'a\n{"event":"forged"}\r\x1b[31m\x9b\u2028\u202e\x00'


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("where", ["event", "field", "list", "foreign", "trace"])
def test_foreign_text_cannot_forge_lines_or_drive_a_terminal(log_format: LogFormat, where: str):
    stream = configured(log_format)
    log = get_logger("kafka_lambda_sink")
    match where:
        case "event":
            log.error(FORGED)
        case "field":
            log.error("x", error=FORGED)
        case "list":
            log.error("x", names=[FORGED])
        case "foreign":
            logging.getLogger("confluent_kafka").error("%s", FORGED)
        case _:
            log.error("x", exc_info=ValueError(FORGED))
    text = stream.getvalue()
    assert text.replace("\n", "").isprintable()
    first, *rest = text.splitlines()
    if log_format == "json":
        assert not rest
        assert json.loads(first)["event"] != "forged"
    else:
        assert all(line.startswith("    | ") for line in rest)
        assert bool(rest) == (where == "trace")


def test_json_keeps_the_text_itself():
    stream = configured()
    get_logger("kafka_lambda_sink").error("x", error=FORGED)
    assert lines(stream)[0]["error"] == FORGED


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_long_fields_are_cut(log_format: LogFormat):
    stream = configured(log_format)
    get_logger("kafka_lambda_sink").error(
        "y" * 10_000, error="x" * 10_000, names=["n"] * 10_000, exc_info=ValueError("z" * 10_000)
    )
    assert len(stream.getvalue()) < 4 * 4_500
    assert "… 5904 more" in stream.getvalue().encode().decode("unicode_escape" if log_format == "json" else "utf-8")


def test_a_stack_trace_keeps_its_end():
    stream = configured()
    get_logger("kafka_lambda_sink").error("bug", exc_info=ValueError("x" * 10_000 + "the cause"))
    assert lines(stream)[0]["exception"].endswith("the cause")


def test_console_lines_read_well():
    stream = configured("console")
    get_logger("kafka_lambda_sink").warning(
        "partition stopped", topic="orders", error='no "x"', ids=["a-1", "b c"], n=0
    )
    time, rest = stream.getvalue().split(" ", 1)
    assert time.endswith("Z")
    assert rest == (
        'WARNING partition stopped connector=orders-sink topic=orders error="no \\"x\\"" ids=[a-1,"b c"] n=0\n'
    )


def test_levels_are_ours_and_foreign_lines_come_from_warning_on():
    stream = configured(level="info")
    get_logger("kafka_lambda_sink.pipeline").debug("ours debug")
    get_logger("kafka_lambda_sink.pipeline").info("ours info")
    logging.getLogger("confluent_kafka").info("foreign info")
    logging.getLogger("confluent_kafka").warning("foreign %s", "warning")
    assert [line["event"] for line in lines(stream)] == ["ours info", "foreign warning"]


def test_botocore_never_logs_its_requests():
    stream = configured(level="debug")
    for name in ("botocore.auth", "urllib3.connectionpool", "boto3"):
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).debug("canary")
        logging.getLogger(name).setLevel(logging.NOTSET)
    get_logger("kafka_lambda_sink").debug("ours")
    assert [line["event"] for line in lines(stream)] == ["ours"]


def test_secrets_stay_secret():
    stream = configured()
    get_logger("kafka_lambda_sink").error("x", key=SecretStr("canary"), all=[SecretStr("canary")])
    assert "canary" not in stream.getvalue()


def test_warnings_are_lines_too():
    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", stacklevel=1)
    assert lines(stream)[0]["logger"] == "py.warnings"


def test_configuring_again_replaces_the_stream():
    first, second = configured(), configured()
    get_logger("kafka_lambda_sink").info("x")
    assert not first.getvalue()
    assert len(lines(second)) == 1


def test_importing_pulls_in_nothing_heavy():
    code = "import sys, kafka_lambda_sink.telemetry.logs; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"structlog", "rich", "asyncio", "pydantic"} & set(loaded)


class SteppedClock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_repeated_fault_is_told_once_an_interval_with_its_count():
    clock = SteppedClock()
    gate = RateLimited(60.0, clock)
    assert gate.admit(("orders-3", "Throttled")) == 0
    clock.now = 59.9
    assert gate.admit(("orders-3", "Throttled")) is None
    assert gate.admit(("orders-3", "Throttled")) is None
    assert gate.admit(("orders-4", "Throttled")) == 0
    clock.now = 60.0
    assert gate.admit(("orders-3", "Throttled")) == 2
    assert gate.admit(("orders-3", "Throttled")) is None
    clock.now = 120.0
    assert gate.admit(("orders-3", "Throttled")) == 1


def test_faults_that_ended_are_forgotten():
    clock = SteppedClock()
    gate = RateLimited(60.0, clock)
    for fault in range(5000):
        clock.now = float(fault)
        assert gate.admit(fault) == 0
    assert len(gate._faults) <= 1000
