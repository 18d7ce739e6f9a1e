import pytest

from kafka_lambda_sink.core.reset_target import (
    AtOffset,
    AtTime,
    ByPartition,
    LogEnd,
    ResetTargetError,
    parse_reset_target,
)

#: 2026-01-31T08:00:00Z
NOW = 1_769_846_400_000
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("earliest", LogEnd.EARLIEST),
        (" latest ", LogEnd.LATEST),
        ("datetime:2026-01-31T08:00:00Z", AtTime(NOW)),
        ("datetime:2026-01-31T09:00:00.250+01:00", AtTime(NOW + 250)),
        ("datetime:1970-01-01T00:00:00Z", AtTime(0)),
        ("duration:PT1H", AtTime(NOW - HOUR)),
        ("duration:PT90M", AtTime(NOW - HOUR - HOUR // 2)),
        ("duration:P1W2DT3H4M5.5S", AtTime(NOW - 9 * 24 * HOUR - 3 * HOUR - 245_500)),
        ("duration:P40000D", AtTime(0)),
        ("offset:0", AtOffset(0)),
        ("offset:42", AtOffset(42)),
        ("by-partition:0=5, 3=0", ByPartition({0: 5, 3: 0})),
    ],
)
def test_target(text, target):
    assert parse_reset_target(text, now_ms=NOW) == target


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "none of earliest"),
        ("newest", "none of earliest"),
        ("earliest:5", "none of earliest"),
        ("datetime:2026-01-31T08:00:00", "time zone"),
        ("datetime:tomorrow", "no date and time"),
        ("datetime:1969-12-31T23:59:59Z", "before 1970"),
        ("duration:1h", "no duration"),
        ("duration:P", "no duration"),
        ("duration:PT", "no duration"),
        ("duration:P1M", "no duration"),
        ("duration:P99999999999D", "too long"),
        ("offset:-1", "no offset"),
        ("offset:", "no offset"),
        ("offset:²", "no offset"),
        ("offset:9223372036854775808", "no offset"),
        ("by-partition:5", "not PARTITION=OFFSET"),
        ("by-partition:", "not PARTITION=OFFSET"),
        ("by-partition:0=1,0=2", "given twice"),
        ("by-partition:a=1", "no partition"),
    ],
)
def test_no_target(text, words):
    with pytest.raises(ResetTargetError, match=words):
        parse_reset_target(text, now_ms=NOW)
