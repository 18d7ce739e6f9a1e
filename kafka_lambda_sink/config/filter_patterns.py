"""The text of `aws.lambda.filter.patterns`, checked."""

from __future__ import annotations


def checked_filter_patterns(text: str | None) -> str | None:
    """The same. Raises ValueError with every problem of the patterns."""
    if text is not None and text.strip():
        # Rarely used, and it takes a while to import.
        from kafka_lambda_sink.transforms.filter_patterns import compile_filter  # noqa: PLC0415 - as said above

        compile_filter(text)
    return text
