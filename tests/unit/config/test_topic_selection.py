import pytest

from kafka_lambda_sink.core.java_regex import compile_java_regex


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("orders", "orders", True),
        ("orders", "orders-eu", False),
        ("orders|payments", "payments", True),
        ("orders|payments", "payments2", False),
        (r"orders\.(eu|us)", "orders.eu", True),
        (r"\Qa.b\E-\d+", "a.b-7", True),
        (r"\Qa.b\E-\d+", "axb-7", False),
        (r"(?<env>prod|dev)\..*", "prod.orders", True),
        (r"(?!_).*(?<!-dlq)", "orders", True),
        (r"(?!_).*(?<!-dlq)", "orders-dlq", False),
        (r"(?i)ORDERS", "orders", True),
        (r"a\\Q", r"a\Q", True),
        (r"[a-z&]+", "a&b", True),
        (r"\w+", "ordersé", False),
        (r"\Q[a&&b", "[a&&b", True),
        (r"a\*+b", "a**b", True),
        (r"\(?<a", "<a", True),
    ],
)
def test_a_pattern_means_what_it_means_in_java(pattern: str, topic: str, expected: bool):  # noqa: FBT001 - parameter
    assert (compile_java_regex(pattern).fullmatch(topic) is not None) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        r"\p{Alpha}+",
        r"[a-z&&[^b]]",
        r"[a[bc]]",
        r"a\z",
        r"\x{41}",
        "a++",
        "a*+b",
        "(?>a)b",
        r"\h",
        "a(",
        "[a",
        "*",
    ],
)
def test_what_python_would_read_otherwise_is_refused(pattern: str):
    with pytest.raises(ValueError, match=r"not supported|not a regular expression"):
        compile_java_regex(pattern)
