"""The one door to Lambda: everything that one connector needs, built from its settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError

from kafka_lambda_sink.aws_lambda.boto3_invoker import Boto3Invoker
from kafka_lambda_sink.aws_lambda.connection import connection_to
from kafka_lambda_sink.aws_lambda.control import Boto3FunctionControl
from kafka_lambda_sink.aws_lambda.curl_invoker import CurlInvoker
from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.aws_lambda.replies import SUCCESS
from kafka_lambda_sink.aws_lambda.request import capture_request
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.core.ports import Clock, Invoker


class FunctionClient:
    """Owns the captured request of one function, and the way to it unless `access` is given. Thread-safe.

    Construction does no network IO, and must be alone in using `access` meanwhile. Raises ConfigError (no region,
    unknown profile, impossible endpoint or name).
    """

    def __init__(self, settings: LambdaSettings, clock: Clock, access: RegionAccess | None = None) -> None:
        self._settings = settings
        self._access = access or RegionAccess(settings, clock)
        try:
            self._request = capture_request(self._access.control_client, settings)
        except BotoCoreError as error:
            problem = Problem(key="aws.lambda.function.name", message=str(error), error_id="invalid-value")
            raise ConfigError([problem]) from error
        self._target = self._find_target()

    @property
    def access(self) -> RegionAccess:
        """The way there, for what else the connector asks of AWS."""
        return self._access

    @property
    def endpoint(self) -> str:
        """The effective endpoint, whatever it came from: settings, environment, profile or AWS's rules."""
        return self._target.endpoint

    def known_regions(self) -> list[str]:
        """Where the AWS SDK knows Lambda to be. A region that is newer than the SDK is not among them."""
        partitions = self._access.session.get_available_partitions()
        return [region for name in partitions for region in self._access.session.get_available_regions("lambda", name)]

    def control(self) -> Boto3FunctionControl:
        """The control path."""
        access = self._access
        return Boto3FunctionControl(
            access.control_client, self._target, access.credentials, self._settings.dry_run_tenant
        )

    def invoker(self, read_timeout: ReadTimeout | None = None) -> Invoker:
        """A new invoker for one thread; `read_timeout` takes the settings' place. No IO.

        libcurl makes the calls, but where the settings say otherwise or the endpoint wants another signature than
        plain SigV4: then botocore does.
        """
        settings = self._settings
        wait = read_timeout or ReadTimeout(settings.read_timeout)
        if not self._uses_curl:
            return Boto3Invoker(self._access.client, wait, settings, self._target, self._access.credentials)
        return CurlInvoker(
            request=self._request,
            connection=connection_to(self._request.url, settings, self._access.session),
            read_timeout=wait,
            credentials=self._access.credentials,
            target=self._target,
            parser=self._access.parser,
            success=SUCCESS[settings.invocation_type],
        )

    def describe(self) -> dict[str, str]:
        """What a start line says; no secrets."""
        connection = connection_to(self._request.url, self._settings, self._access.session)
        return {
            "function": self._settings.function_name,
            "qualifier": self._settings.qualifier or "",
            "region": self._target.region,
            "endpoint": self.endpoint,
            "invocation_type": self._settings.invocation_type,
            "role": self._settings.role_arn or "",
            "proxy": connection.proxy_host or "",
            "ca_bundle": str(connection.ca_bundle),
            "transport": "curl" if self._uses_curl else "botocore",
        }

    @property
    def _uses_curl(self) -> bool:
        return self._settings.transport == "curl" and self._request.is_plain_sigv4

    def _find_target(self) -> Target:
        region = self._access.control_client.meta.region_name
        parts = urlsplit(self._request.url)
        return Target(
            function_name=self._settings.function_name,
            qualifier=self._settings.qualifier,
            region=region,
            partition=self._access.session.get_partition_for_region(region),
            endpoint=f"{parts.scheme}://{parts.netloc}",
            role_arn=self._settings.role_arn,
        )
