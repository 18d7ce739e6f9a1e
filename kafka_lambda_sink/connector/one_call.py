"""One invocation outside any pipeline, for a person who wants to see what the function answers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.function import lambda_settings, open_function
from kafka_lambda_sink.connector.function_timeout import first_timeout
from kafka_lambda_sink.connector.missing_function import missing_function
from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.core.ports import Clock, InvokeReply


def call_once(config: SinkConfig, clock: Clock, payload: bytes, topic: str | None = None) -> InvokeReply:
    """Send `payload` as the connector would send a batch of `topic`, once, with the log asked for. Blocks.

    Without a topic it goes to the only function. Raises ConfigError, also where there are several, and what
    `core.ports.Invoker.invoke` raises.
    """
    name = _function(config, topic)
    open_function(config, name, clock)
    settings = lambda_settings(config, name)
    function = FunctionClient(replace(settings, log_tail=settings.invocation_type == "RequestResponse"), clock)
    timeout = ReadTimeout(first_timeout(config, name, function.control()))
    with closing(function.invoker(timeout)) as invoker:
        return invoker.invoke(payload)


def _function(config: SinkConfig, topic: str | None) -> str:
    if topic is not None:
        name = config.function_of(topic)
        if name is None:
            raise ConfigError([missing_function(topic)])
        return name
    if len(config.functions) != 1:
        message = f"topics go to different functions: {', '.join(config.functions) or 'none yet'}"
        key = "aws.lambda.topic2function.map"
        raise ConfigError([Problem(key=key, message=message, error_id="conflict", hint="Say --topic")])
    return config.functions[0]
