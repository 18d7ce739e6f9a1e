"""What must hold for what goes beside the payload, and for where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.field_checks import WITHOUT_FIELDS
from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.function_name import parse_function_name
from kafka_lambda_sink.config.model import SinkConfig

_VARIANTS: Final = ("aws_lambda_endpoint_fips", "aws_lambda_endpoint_dualstack")


def invocation_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    for attribute in _VARIANTS:
        if getattr(config, attribute) and config.aws_lambda_endpoint_url:
            message = (
                "chooses among AWS's endpoints, and aws.lambda.endpoint.url (or AWS_ENDPOINT_URL_LAMBDA) names one"
            )
            yield Finding((attribute, "aws_lambda_endpoint_url"), message, "conflict", "Remove one of them")
    source = config.aws_lambda_tenant_id_from or ""
    if source.startswith("value:") and config.value_converter in WITHOUT_FIELDS:
        message = f"is a field of the value, which has none: value.converter is {config.value_converter}"
        yield Finding(("aws_lambda_tenant_id_from", "value_converter"), message, "conflict")


def invocation_warnings(config: SinkConfig) -> Iterator[Finding]:
    """What a person should know at the start."""
    if config.aws_lambda_client_context and config.aws_lambda_invocation_type == "async":
        message = "an asynchronous invocation has no client context"
        yield Finding(("aws_lambda_client_context", "aws_lambda_invocation_type"), message, "no-effect")
    if config.aws_lambda_durable_name:
        # https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html, qualified ARNs
        bare = [name for name in config.functions if parse_function_name(name).qualifier is None]
        if bare:
            message = f"is for durable functions, which Lambda invokes by version, alias or $LATEST: {', '.join(bare)}"
            hint = "Write name:alias, name:version or name:$LATEST"
            attributes = ("aws_lambda_durable_name", "aws_lambda_function_name", "aws_lambda_topic2function_map")
            yield Finding(attributes, message, "no-effect", hint)
