"""`RegexRouter`: renames topics by a regular expression."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Self

from pydantic import model_validator

from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.java_replacement import compile_java_replacement
from kafka_lambda_sink.transforms.options import JavaRegex, Options
from kafka_lambda_sink.transforms.target import Target


class RegexRouterOptions(Options):
    """Of `RegexRouter`."""

    regex: JavaRegex
    """A Java regular expression; only topics that match it from end to end are renamed."""

    replacement: str
    r"""The new name: `$1` and `${name}` are groups of the pattern, `\$` is a dollar sign."""

    @model_validator(mode="after")
    def _groups(self) -> Self:
        # Connect finds a broken one with the first topic that matches.
        compile_java_replacement(self.replacement, self.regex)
        return self


def _build(options: RegexRouterOptions, _: Target | None) -> Transform:
    regex = options.regex
    expand: Callable[[re.Match[str]], str] = compile_java_replacement(options.replacement, regex)

    def regex_router(record: SinkRecord) -> SinkRecord:
        if regex.fullmatch(record.topic) is None:
            return record
        # As Java's replaceFirst, which looks anew: what it finds may be shorter than the whole.
        return replace(record, topic=regex.sub(expand, record.topic, count=1))

    return regex_router


TYPE = TransformType(RegexRouterOptions, _build)
