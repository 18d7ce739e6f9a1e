"""The control path: asked at start and by `check`, never by a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.botocore_faults import as_invocation_error
from kafka_lambda_sink.aws_lambda.credentials import CredentialSource
from kafka_lambda_sink.aws_lambda.errors import fault_error
from kafka_lambda_sink.aws_lambda.replies import SUCCESS, after_refusal
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import ConfigurationInvocationError, InvocationError

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient


class Boto3FunctionControl:
    """Asks about one function through botocore. Thread-safe."""

    def __init__(
        self, client: LambdaClient, target: Target, credentials: CredentialSource, tenant: str | None = None
    ) -> None:
        """`tenant` is that of the DryRun, see `LambdaSettings`."""
        self._client = client
        self._target = target
        self._credentials = credentials
        self._tenant: dict[str, Any] = {"TenantId": tenant} if tenant else {}
        self._name: dict[str, Any] = {"FunctionName": target.function_name}
        if target.qualifier:
            self._name["Qualifier"] = target.qualifier

    def dry_run(self) -> None:
        """See `core.ports.FunctionControl`. The payload is empty: Content-Length 0."""
        used = None
        try:
            used = self._credentials.current()
            response = self._client.invoke(InvocationType="DryRun", Payload=b"", **self._name, **self._tenant)
            status = response["StatusCode"]
            response["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            mapped = as_invocation_error(error, self._target)
            mapped.may_have_run = False
            raise after_refusal(mapped, self._credentials, used, self._target) from error
        if status != SUCCESS["DryRun"]:
            raise fault_error(errors.UNEXPECTED_STATUS, f"HTTP {status} to a DryRun", self._target, may_have_run=False)

    def timeout(self) -> float | None:
        """See `core.ports.FunctionControl`.

        Needs `lambda:GetFunctionConfiguration` or `lambda:GetFunction`. Raises as `dry_run` what is not a refusal.
        """
        try:
            return float(self._client.get_function_configuration(**self._name)["Timeout"])
        except (BotoCoreError, ClientError) as error:
            self._raise_unless_denied(error)
        try:
            return float(self._client.get_function(**self._name)["Configuration"]["Timeout"])
        except (BotoCoreError, ClientError) as error:
            self._raise_unless_denied(error)
        return None

    def _raise_unless_denied(self, error: BotoCoreError | ClientError) -> None:
        mapped: InvocationError = as_invocation_error(error, self._target)
        if isinstance(mapped, ConfigurationInvocationError) and mapped.is_authorization:
            return
        raise mapped from error
