"""What must hold where a function keeps a state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.collecting import Collected
from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.settings import ENVIRONMENT
from kafka_lambda_sink.core.errors import Problem

_NAME: Final = "function-connector"
_FORMAT: Final = "aws_lambda_request_format"
_CONTRACT: Final = "aws_lambda_reply_contract"
_SECRETS: Final = "aws_lambda_function_connector_secrets"
_OWN: Final = (
    "aws_lambda_function_connector_topic",
    "aws_lambda_function_connector_max_calls",
    _SECRETS,
)


def function_connector_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    contract = config.aws_lambda_reply_contract
    if not config.is_function_connector:
        if contract == _NAME:
            message = f"{_NAME} goes with aws.lambda.request.format={_NAME}"
            yield Finding((_CONTRACT, _FORMAT), message)
        return
    if contract not in {None, _NAME} or config.own_contract:
        message = f"replies to {_NAME} are of a contract of their own: without its state no request could be made"
        yield Finding((_FORMAT, "result_handler_class" if config.own_contract else _CONTRACT), message, "conflict")
    if config.aws_lambda_invocation_type == "async":
        message = "an asynchronous invocation has no reply, and so no state"
        yield Finding((_FORMAT, "aws_lambda_invocation_type"), message, "conflict")
    if config.aws_lambda_request_template is not None:
        message = f"{_NAME} has no place for a template around it"
        yield Finding(("aws_lambda_request_template", _FORMAT), message, "conflict", "Remove one of them")


def function_connector_warnings(config: SinkConfig) -> Iterator[Finding]:
    """What a person should know at the start."""
    if config.is_function_connector:
        return
    for attribute in _OWN:
        if getattr(config, attribute) != SinkConfig.model_fields[attribute].default:
            yield Finding((attribute, _FORMAT), f"has no effect without aws.lambda.request.format={_NAME}", "no-effect")


def literal_secrets(collected: Collected) -> Iterator[Problem]:
    """Secrets that stand in a file or on a command line, for everybody to read."""
    setting = collected.winner(_SECRETS)
    if setting is None or setting.is_provided or setting.source == ENVIRONMENT or not setting.value.strip():
        return
    message = "stands in plain text: secrets come from a config provider or the environment"
    hint = "Put the object into a file of its own, and write ${dir:/run/secrets:function.json}"
    yield setting.problem("weak-security", message, hint)
