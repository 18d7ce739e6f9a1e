"""`TopicNameMatches`: whether the name of the record's topic matches a pattern."""

from __future__ import annotations

from kafka_lambda_sink.core.sink_record import Predicate, SinkRecord
from kafka_lambda_sink.transforms.catalog import PredicateType
from kafka_lambda_sink.transforms.options import JavaRegex, Options


class TopicNameMatchesOptions(Options):
    """Of `TopicNameMatches`."""

    pattern: JavaRegex
    """A Java regular expression; it has to match the whole name."""


def _build(options: TopicNameMatchesOptions) -> Predicate:
    matches = options.pattern.fullmatch

    def topic_name_matches(record: SinkRecord) -> bool:
        return matches(record.topic) is not None

    return topic_name_matches


TYPE = PredicateType(TopicNameMatchesOptions, _build)
