"""The text of `aws.lambda.filter.patterns`, checked."""

from __future__ import annotations

from kafka_lambda_sink.config.finding import Faults


def checked_filter_patterns(text: str | None) -> str | None:
    """The same. Raises Faults, a ValueError, with every problem of the patterns."""
    if text is None or not text.strip():
        return text
    # Rarely used, and they take a while to import.
    from kafka_lambda_sink.transforms.filter_patterns import compile_filter  # noqa: PLC0415 - as said above
    from kafka_lambda_sink.transforms.filter_syntax import FilterPatternError  # noqa: PLC0415 - as said above

    try:
        compile_filter(text)
    except FilterPatternError as error:
        raise Faults(
            [(f"{one.place}: {one.message}" if one.place else one.message, one.hint) for one in error.problems]
        ) from None
    return text
