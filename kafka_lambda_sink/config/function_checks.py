"""What must hold between topics and functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig

_NAME: Final = "aws_lambda_function_name"
_MAP: Final = "aws_lambda_topic2function_map"
_MODE: Final = "aws_lambda_configuration_mode"


def function_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    if config.aws_lambda_configuration_mode == "multiple":
        yield from _topics_without_function(config)
    elif config.aws_lambda_function_name is None:
        hint = "Set aws.lambda.configuration.mode=multiple" if config.aws_lambda_topic2function_map else None
        # It is shown where the mode is set.
        is_said = _MODE in config.model_fields_set
        message = "single needs aws.lambda.function.name beside it" if is_said else "is required"
        yield Finding((_NAME, _MODE), message, "missing-key", hint)
    else:
        yield from _other_region(config, config.aws_lambda_function_name)


def function_warnings(config: SinkConfig) -> Iterator[Finding]:
    """What a person should know at the start."""
    if config.aws_lambda_configuration_mode == "single":
        if config.aws_lambda_topic2function_map:
            message = "has no effect while aws.lambda.configuration.mode is single: all topics go to one function"
            yield Finding((_MAP, _MODE), message, "no-effect")
        return
    strangers = [topic for topic in config.topic_functions if not config.selects(topic)]
    if strangers:
        message = f"names topics that are not read: {', '.join(strangers)}"
        yield Finding((_MAP, "topics", "topics_regex"), message, "no-effect")
    if (
        config.aws_lambda_function_name is not None
        and config.topics
        and config.topic_functions.keys() >= {*config.topics}
    ):
        message = "has no effect: each topic that is read has a function of its own"
        yield Finding((_NAME, _MAP, "topics"), message, "no-effect")


def _topics_without_function(config: SinkConfig) -> Iterator[Finding]:
    if not config.aws_lambda_topic2function_map:
        message = "multiple needs aws.lambda.topic2function.map beside it: topic1;function1,topic2;function2"
        yield Finding((_MODE, _MAP), message, "missing-key")
        return
    missing = [topic for topic in config.topics if config.function_of(topic) is None]
    if missing:
        hint = "Add them, or set aws.lambda.function.name for all topics that the map does not name"
        yield Finding((_MAP, "topics", _NAME), f"has no function for {', '.join(missing)}", "missing-function", hint)


def _other_region(config: SinkConfig, function: str) -> Iterator[Finding]:
    region = config.region_of(function)
    if config.aws_lambda_region and region != config.aws_lambda_region:
        message = f"is {config.aws_lambda_region}, but the function's ARN is in {region}"
        yield Finding(("aws_lambda_region", _NAME), message)
