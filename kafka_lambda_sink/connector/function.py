"""The function of a connector: its settings, its client, and the check at start."""

from __future__ import annotations

import threading
from typing import Final

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.config.endpoint import has_credentials, is_plain_http_beyond_loopback
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.function_timeout import LONGEST
from kafka_lambda_sink.core.errors import (
    ConfigError,
    InvocationAborted,
    Problem,
    TransientInvocationError,
)
from kafka_lambda_sink.core.ports import CallContext, Clock, FunctionControl, InvokeReply
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: No records are anybody's at the start; nothing is run for it.
_DRY_RUN_TENANT: Final = "kafka-lambda-sink"


def lambda_settings(config: SinkConfig, function: str) -> LambdaSettings:
    """What the AWS layer needs of the configuration to call one of its functions."""
    secret, token, password = config.aws_secret_access_key, config.aws_session_token, config.aws_lambda_proxy_password
    timeout = config.aws_lambda_socket_timeout
    return LambdaSettings(
        function_name=function,
        region=config.region_of(function),
        endpoint_url=config.aws_lambda_endpoint_url,
        uses_fips=config.aws_lambda_endpoint_fips,
        uses_dualstack=config.aws_lambda_endpoint_dualstack,
        access_key_id=config.aws_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        session_token=token.get_secret_value() if token else None,
        profile=config.aws_profile,
        role_arn=config.aws_role_arn,
        role_external_id=config.aws_role_external_id,
        role_session_name=config.aws_role_session_name or config.name,
        proxy_url=config.aws_lambda_proxy_url,
        proxy_user=config.aws_lambda_proxy_user,
        proxy_password=password.get_secret_value() if password else None,
        invocation_type="RequestResponse" if config.aws_lambda_invocation_type == "sync" else "Event",
        log_tail=config.aws_lambda_log_type == "tail",
        dry_run_tenant=_DRY_RUN_TENANT if config.aws_lambda_tenant_id_from else None,
        connect_timeout=config.aws_lambda_connect_timeout_ms / 1000,
        read_timeout=timeout / 1000 if timeout else LONGEST,
        transport="botocore" if config.aws_lambda_invoker == "boto3" else "curl",
    )


def open_function(config: SinkConfig, name: str, clock: Clock, access: RegionAccess | None = None) -> FunctionClient:
    """The client of one function. No network IO. Raises ConfigError, also for an effective endpoint that is not safe.

    botocore takes endpoints from more places than the configuration (AWS_ENDPOINT_URL, the profile's `endpoint_url`).
    """
    function = FunctionClient(lambda_settings(config, name), clock, access)
    message = None
    if has_credentials(function.endpoint):
        message = "the endpoint that the AWS settings give has a user name or password in it"
    elif not config.aws_lambda_endpoint_allow_http and is_plain_http_beyond_loopback(function.endpoint):
        message = (
            f"the AWS settings give {function.endpoint}: plain http to another machine shows records and signatures "
            "to the network"
        )
    if message is not None:
        hint = "Look at AWS_ENDPOINT_URL and the profile's endpoint_url, or set aws.lambda.endpoint.allow.http=true"
        raise ConfigError(
            [Problem(key="aws.lambda.endpoint.url", message=message, error_id="weak-security", hint=hint)]
        )
    if config.aws_lambda_endpoint_fips and "fips" not in function.endpoint:
        # botocore lets an endpoint that is set win in silence.
        message = f"the AWS settings give {function.endpoint}, which is no FIPS endpoint"
        hint = "Look at AWS_ENDPOINT_URL and the profile's endpoint_url, or remove aws.lambda.endpoint.fips"
        raise ConfigError([Problem(key="aws.lambda.endpoint.fips", message=message, error_id="conflict", hint=hint)])
    return function


class DryRunInvoker:
    """The DryRun call in the shape of an `Invoker`, so that the one retry loop serves it."""

    def __init__(self, control: FunctionControl) -> None:
        self._control = control
        self._stop = threading.Event()

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:  # noqa: ARG002 - it is empty
        """Ask whether we may invoke the function. Blocks."""
        if self._stop.is_set():
            raise InvocationAborted
        self._control.dry_run()
        return InvokeReply(204, b"")

    def halt(self) -> None:
        """No call waits for its turn."""

    def abort(self) -> None:
        """Make no further call."""
        self._stop.set()

    def close(self) -> None:
        """Nothing to close."""


def check_function(control: FunctionControl, name: str, clock: Clock, stop: threading.Event, timeout: float) -> None:
    """Ask by DryRun whether we may invoke the function `name` (seed: "when connector start, a Dry-Run call").

    Waits out transient faults for `timeout` seconds, or until `stop` is set. Raises ConfigurationInvocationError with a
    hint, the last TransientInvocationError, or InvocationAborted.
    """

    def on_retry(error: TransientInvocationError, attempt: int, wait: float) -> None:
        _log.warning(
            "the function cannot be checked yet",
            function=name, error=str(error), hint=error.hint, attempt=attempt, wait_s=round(wait, 1),
        )  # fmt: skip

    Delivery(DryRunInvoker(control), RetryPolicy(timeout=timeout), clock, on_retry, halt=stop).send(b"")
