"""One invocation outside any pipeline, for a person who wants to see what the function answers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.function import lambda_settings, open_function
from kafka_lambda_sink.connector.function_timeout import first_timeout
from kafka_lambda_sink.core.ports import Clock, InvokeReply


def call_once(config: SinkConfig, clock: Clock, payload: bytes) -> InvokeReply:
    """Send `payload` as the connector would send a batch, once, with the log asked for. Blocks.

    Raises ConfigError, and what `core.ports.Invoker.invoke` raises.
    """
    open_function(config, clock)
    settings = lambda_settings(config)
    function = FunctionClient(replace(settings, log_tail=settings.invocation_type == "RequestResponse"), clock)
    timeout = ReadTimeout(first_timeout(config, function.control()))
    with closing(function.invoker(timeout)) as invoker:
        return invoker.invoke(payload)
