"""Which topics a connector reads: a list, or a Java regular expression that must match the whole name."""

from __future__ import annotations

import re

from kafka_lambda_sink.core.java_regex import compile_java_regex

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_NOT_TOPICS = {".", ".."}


def checked_topic_names(topics: tuple[str, ...]) -> tuple[str, ...]:
    """The same. Raises ValueError for what Kafka does not take as a name of a topic."""
    for topic in topics:
        if not _TOPIC.fullmatch(topic) or topic in _NOT_TOPICS:
            raise ValueError(f"`{topic}` is not a topic name: up to 249 of a-z A-Z 0-9 . _ -")
    return topics


def checked_topics_regex(pattern: str | None) -> str | None:
    """The same. Raises ValueError as `compile_java_regex`."""
    if pattern is not None:
        compile_java_regex(pattern)
    return pattern
