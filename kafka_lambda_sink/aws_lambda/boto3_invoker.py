"""The reference: botocore makes the call. About ten times the CPU time of libcurl's way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.botocore_faults import as_invocation_error
from kafka_lambda_sink.aws_lambda.credentials import CredentialSource
from kafka_lambda_sink.aws_lambda.errors import fault_error
from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.aws_lambda.replies import MAX_REPLY_BYTES, SUCCESS, after_refusal
from kafka_lambda_sink.aws_lambda.request import invoke_parameters
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import InvocationAborted, InvocationError
from kafka_lambda_sink.core.ports import CallContext, InvokeReply

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

_CHUNK_BYTES = 1024 * 1024

#: What a call came to; None is what `abort` puts in its place.
_Outcome: TypeAlias = InvokeReply | Exception | None


class Boto3Invoker:
    """Invokes through `client.invoke`. `client_for` gives a shared client with a read timeout of so many seconds.

    Each call runs on a thread of its own, since botocore has neither a deadline for a whole reply nor a way to end a
    call: an abandoned one lives on in the background until its socket's read timeout.
    """

    def __init__(
        self,
        client_for: Callable[[float], LambdaClient],
        read_timeout: ReadTimeout,
        settings: LambdaSettings,
        target: Target,
        credentials: CredentialSource,
    ) -> None:
        self._client_for = client_for
        self._read_timeout = read_timeout
        self._settings = settings
        self._target = target
        self._credentials = credentials
        self._lock = threading.Lock()
        self._aborted = False
        self._outcome: SimpleQueue[_Outcome] = SimpleQueue()

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:
        """See `core.ports.Invoker`."""
        outcome: SimpleQueue[_Outcome] = SimpleQueue()
        with self._lock:
            if self._aborted:
                raise InvocationAborted
            self._outcome = outcome
        seconds = self._read_timeout.seconds
        client = self._client_for(seconds)
        threading.Thread(target=self._call, args=(client, payload, call, outcome), name="invoke", daemon=True).start()
        deadline = self._settings.connect_timeout + seconds
        try:
            result = outcome.get(timeout=deadline)
        except Empty:
            self._read_timeout.passed()
            message = f"no whole reply within {deadline:g} s"
            raise fault_error(errors.READ_TIMEOUT, message, self._target) from None
        if result is None or self._aborted:
            raise InvocationAborted
        if isinstance(result, Exception):
            if isinstance(result, InvocationError) and result.code == errors.READ_TIMEOUT:
                self._read_timeout.passed()
            raise result
        return result

    def halt(self) -> None:
        """See `core.ports.Invoker`. No call waits for its turn here."""

    def abort(self) -> None:
        """See `core.ports.Invoker`."""
        with self._lock:
            self._aborted = True
            self._outcome.put(None)

    def close(self) -> None:
        """See `core.ports.Invoker`. The connections belong to the shared client."""

    def _call(
        self, client: LambdaClient, payload: bytes, call: CallContext | None, outcome: SimpleQueue[_Outcome]
    ) -> None:
        used: ReadOnlyCredentials | None = None
        try:
            used = self._credentials.current()
            outcome.put(self._reply(client, payload, call))
        except (BotoCoreError, ClientError) as error:
            mapped = as_invocation_error(error, self._target)
            mapped.__cause__ = error
            outcome.put(after_refusal(mapped, self._credentials, used, self._target))
        except Exception as error:  # noqa: BLE001  # raised again on the caller's thread
            outcome.put(error)

    def _reply(self, client: LambdaClient, payload: bytes, call: CallContext | None) -> InvokeReply:
        response = client.invoke(**invoke_parameters(self._settings, payload, call))
        body = self._read(response["Payload"])
        status = response["StatusCode"]
        metadata = response["ResponseMetadata"]
        if status != SUCCESS[self._settings.invocation_type]:
            raise self._unexpected(status)
        return InvokeReply(
            status=status,
            payload=body,
            function_error=response.get("FunctionError"),
            executed_version=response.get("ExecutedVersion"),
            log_result=response.get("LogResult"),
            request_id=metadata.get("RequestId"),
        )

    def _read(self, stream: StreamingBody) -> bytes:
        body = bytearray()
        # To the empty chunk at the end: only there does botocore compare the length with the announced one.
        while chunk := stream.read(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                stream.close()
                raise fault_error(errors.REPLY_TOO_LARGE, f"more than {MAX_REPLY_BYTES} bytes", self._target)
        return bytes(body)

    def _unexpected(self, status: int) -> InvocationError:
        message = f"HTTP {status} to a {self._settings.invocation_type} invocation"
        error = fault_error(errors.UNEXPECTED_STATUS, message, self._target)
        error.status = status
        return error
