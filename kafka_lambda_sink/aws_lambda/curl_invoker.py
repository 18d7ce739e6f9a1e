"""The hot path: libcurl signs, sends and receives."""

from __future__ import annotations

import pycurl
from botocore.awsrequest import HeadersDict
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.botocore_faults import as_invocation_error
from kafka_lambda_sink.aws_lambda.connection import Connection
from kafka_lambda_sink.aws_lambda.credentials import CredentialSource
from kafka_lambda_sink.aws_lambda.curl_faults import fault_code
from kafka_lambda_sink.aws_lambda.curl_handle import Sockets, open_handle
from kafka_lambda_sink.aws_lambda.errors import fault_error, refusal_error
from kafka_lambda_sink.aws_lambda.refusal_parser import RefusalParser
from kafka_lambda_sink.aws_lambda.replies import MAX_REPLY_BYTES, after_refusal
from kafka_lambda_sink.aws_lambda.request import InvokeRequest
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import InvocationAborted, InvocationError
from kafka_lambda_sink.core.ports import InvokeReply

#: The headers of a reply that are read, by lower-case name.
_FUNCTION_ERROR = b"x-amz-function-error"
_EXECUTED_VERSION = b"x-amz-executed-version"
_LOG_RESULT = b"x-amz-log-result"
_REQUEST_ID = b"x-amzn-requestid"
_PREFIX = 9
#: The beginnings of those names: most headers of a reply are none of them, and are told by this alone.
_PREFIXES = frozenset(name[:_PREFIX] for name in (_FUNCTION_ERROR, _EXECUTED_VERSION, _LOG_RESULT, _REQUEST_ID))
_FIRST_REFUSAL = 300


class CurlInvoker:
    """Invokes through one libcurl handle: one connection, kept alive, for one thread.

    libcurl on its own sends a request a second time when a kept connection ends without a byte of a reply, executed or
    not (`Curl_retry_request`). We see to it that it does not: PREREQFUNCTION, called before every sending, stops the
    second one.
    """

    def __init__(
        self,
        *,
        request: InvokeRequest,
        connection: Connection,
        credentials: CredentialSource,
        target: Target,
        parser: RefusalParser,
        success: int,
    ) -> None:
        self._request = request
        self._credentials = credentials
        self._target = target
        self._parser = parser
        self._success = success
        self._has_proxy = connection.proxy is not None
        self._signing_with: ReadOnlyCredentials | None = None
        self._sockets = Sockets()
        self._sendings = 0
        #: Whether the progress callback is off.
        self._is_quiet = False
        self._lines: list[bytes] = []
        self._chunks: list[bytes] = []
        self._curl = open_handle(request, connection, self._sockets, MAX_REPLY_BYTES)
        self._curl.setopt(pycurl.PREREQFUNCTION, self._on_sending)
        self._curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        self._curl.setopt(pycurl.WRITEFUNCTION, self._chunks.append)

    def invoke(self, payload: bytes) -> InvokeReply:
        """See `core.ports.Invoker`."""
        sockets = self._sockets
        if sockets.is_shut:
            raise InvocationAborted
        self._sign_with_current()
        curl = self._curl
        self._sendings = 0
        self._lines.clear()
        self._chunks.clear()
        curl.setopt(pycurl.POSTFIELDS, payload)
        # The progress callback can abort a look-up of the endpoint's name. A kept connection needs none, and the
        # callback costs a tenth of the call.
        if sockets.has_open != self._is_quiet:
            self._is_quiet = not self._is_quiet
            curl.setopt(pycurl.NOPROGRESS, self._is_quiet)
        try:
            curl.perform()
        except pycurl.error as error:
            if sockets.is_shut:
                raise InvocationAborted from error
            raise self._fault(error, len(payload)) from error
        finally:
            curl.setopt(pycurl.POSTFIELDS, b"")  # An idle handle must not keep megabytes.
        if sockets.is_shut:
            raise InvocationAborted  # What looks whole may have been cut by our own shutdown.
        return self._reply(curl.getinfo(pycurl.RESPONSE_CODE))

    def abort(self) -> None:
        """See `core.ports.Invoker`."""
        self._sockets.shut_down()

    def close(self) -> None:
        """See `core.ports.Invoker`. Called by the thread that invokes."""
        self._sockets.shut_down()
        self._curl.close()

    def _sign_with_current(self) -> None:
        try:
            current = self._credentials.current()
        except (BotoCoreError, ClientError) as error:
            raise as_invocation_error(error, self._target) from error
        if current is self._signing_with:
            return
        headers = [f"{name}: {value}" for name, value in self._request.headers]
        if current.token:
            headers.append(f"X-Amz-Security-Token: {current.token}")
        # A header without a value takes out what libcurl would add: botocore sends none of these, and
        # `Expect: 100-continue` would cost a second on servers that do not know it.
        names = {name.lower() for name, _ in self._request.headers}
        headers += [f"{name}:" for name in ("Accept", "Content-Type", "Expect") if name.lower() not in names]
        self._curl.setopt(pycurl.HTTPHEADER, headers)
        self._curl.setopt(pycurl.USERNAME, current.access_key)
        self._curl.setopt(pycurl.PASSWORD, current.secret_key)
        self._signing_with = current

    def _on_sending(self, *_addresses: object) -> int:
        self._sendings += 1
        may_send = self._sendings == 1 and not self._sockets.is_shut
        return int(pycurl.PREREQFUNC_OK if may_send else pycurl.PREREQFUNC_ABORT)

    def _reply(self, status: int) -> InvokeReply:
        payload = b"".join(self._chunks)
        if status != self._success:
            raise self._refused(status, payload)
        get = (self._headers() if self._has_proxy else self._headers_of_interest()).get
        return InvokeReply(
            status, payload, get(_FUNCTION_ERROR), get(_EXECUTED_VERSION), get(_LOG_RESULT), get(_REQUEST_ID)
        )

    def _headers_of_interest(self) -> dict[bytes, str]:
        """Of the only response: those that a reply carries. A third of the price of all."""
        headers = {}
        for line in self._lines:
            if line[:_PREFIX].lower() in _PREFIXES:
                name, _, value = line.partition(b":")
                headers[name.lower()] = value.strip().decode("latin-1")
        return headers

    def _headers(self) -> dict[bytes, str]:
        """Of the last response: a proxy's answer to CONNECT may come first."""
        headers: dict[bytes, str] = {}
        for line in self._lines:
            name, separator, value = line.partition(b":")
            if separator:
                headers[name.lower()] = value.strip().decode("latin-1")
            elif line.startswith(b"HTTP/"):
                headers = {}
        return headers

    def _refused(self, status: int, body: bytes) -> InvocationError:
        if status < _FIRST_REFUSAL:
            message = f"HTTP {status} where {self._success} means success"
            error = fault_error(errors.UNEXPECTED_STATUS, message, self._target)
            error.status = status
            return error
        headers = HeadersDict({name.decode("latin-1"): value for name, value in self._headers().items()})
        refusal = self._parser.parse(status, headers, body)
        return after_refusal(refusal_error(refusal, self._target), self._credentials, self._signing_with, self._target)

    def _fault(self, error: pycurl.error, size: int) -> InvocationError:
        result, message = error.args
        sent = self._sendings
        code = fault_code(result, is_sent=sent > 0, has_reply=bool(self._lines), has_proxy=self._has_proxy)
        # Lambda runs nothing before it has the whole payload. After a second sending was stopped, the count of bytes
        # is no longer the first's.
        is_whole = sent > 1 or (sent == 1 and self._curl.getinfo(pycurl.SIZE_UPLOAD_T) >= size)
        if sent > 1:
            message = "the connection ended without a reply"
        return fault_error(code, message, self._target, may_have_run=is_whole)
