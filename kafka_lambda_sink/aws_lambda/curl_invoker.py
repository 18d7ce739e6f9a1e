"""The hot path: a connection of libcurl's, a signer and a reader of replies of our own."""

from __future__ import annotations

from urllib.parse import urlsplit

import pycurl
from botocore.awsrequest import HeadersDict
from botocore.exceptions import BotoCoreError, ClientError

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.botocore_faults import as_invocation_error
from kafka_lambda_sink.aws_lambda.channel import Channel
from kafka_lambda_sink.aws_lambda.connection import Connection
from kafka_lambda_sink.aws_lambda.credentials import CredentialSource
from kafka_lambda_sink.aws_lambda.curl_faults import connect_fault_code
from kafka_lambda_sink.aws_lambda.errors import fault_error, refusal_error
from kafka_lambda_sink.aws_lambda.exchange_fault import ExchangeFault
from kafka_lambda_sink.aws_lambda.http_reply import HttpReply, HttpReplyReader
from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.aws_lambda.refusal_parser import RefusalParser
from kafka_lambda_sink.aws_lambda.replies import MAX_REPLY_BYTES, after_refusal
from kafka_lambda_sink.aws_lambda.request import InvokeRequest
from kafka_lambda_sink.aws_lambda.signing import RequestSigner
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import InvocationAborted, InvocationError
from kafka_lambda_sink.core.ports import CallContext, InvokeReply

_FIRST_REFUSAL = 300


class CurlInvoker:
    """Invokes over one connection, kept alive, for one thread. Nothing in it sends a request a second time."""

    def __init__(
        self,
        *,
        request: InvokeRequest,
        connection: Connection,
        read_timeout: ReadTimeout,
        credentials: CredentialSource,
        target: Target,
        parser: RefusalParser,
        success: int,
    ) -> None:
        self._credentials = credentials
        self._target = target
        self._parser = parser
        self._success = success
        self._has_proxy = connection.proxy is not None
        self._signer = RequestSigner(request, forwarding_proxy(request.url, connection.proxy))
        self._read_timeout = read_timeout
        self._channel = Channel(request.url, request.user_agent, connection, read_timeout)
        self._reader = HttpReplyReader(self._channel.receive, MAX_REPLY_BYTES)

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:
        """See `core.ports.Invoker`."""
        channel = self._channel
        if channel.is_aborted:
            raise InvocationAborted
        try:
            credentials = self._credentials.current()
        except (BotoCoreError, ClientError) as error:
            raise as_invocation_error(error, self._target) from error
        self._connect()
        try:
            head = self._signer.head(payload, credentials, call=call)
        except ValueError as error:
            raise fault_error(errors.CREDENTIALS_UNAVAILABLE, str(error), self._target) from error
        reply = self._exchange(head, payload)
        if not reply.is_reusable:
            channel.drop()
        if channel.is_aborted:
            raise InvocationAborted  # What looks whole may have been cut by our own shutdown.
        if reply.status != self._success:
            raise after_refusal(self._refused(reply), self._credentials, credentials, self._target)
        get = reply.headers.get
        return InvokeReply(
            reply.status,
            reply.body,
            get(b"x-amz-function-error"),
            get(b"x-amz-executed-version"),
            get(b"x-amz-log-result"),
            get(b"x-amzn-requestid"),
        )

    def halt(self) -> None:
        """See `core.ports.Invoker`. No call waits for its turn here."""

    def abort(self) -> None:
        """See `core.ports.Invoker`."""
        self._channel.abort()

    def close(self) -> None:
        """See `core.ports.Invoker`. Called by the thread that invokes."""
        self._channel.close()

    def _connect(self) -> None:
        try:
            self._channel.connect()
        except pycurl.error as error:
            if self._channel.is_aborted:
                raise InvocationAborted from error
            result, message = error.args
            raise fault_error(connect_fault_code(result, has_proxy=self._has_proxy), message, self._target) from error

    def _exchange(self, head: bytes, payload: bytes) -> HttpReply:
        # Lambda runs nothing before it has the whole payload.
        is_whole = False
        try:
            try:
                self._channel.send(head, payload)
                is_whole = True
            except ExchangeFault as fault:
                return self._refusal_in_advance(fault)
            return self._reader.read()
        except ExchangeFault as fault:
            self._channel.drop()
            if self._channel.is_aborted:
                raise InvocationAborted from fault
            if fault.code == errors.READ_TIMEOUT:
                self._read_timeout.passed()
            raise fault_error(fault.code, str(fault), self._target, may_have_run=is_whole) from fault

    def _refusal_in_advance(self, fault: ExchangeFault) -> HttpReply:
        """Who ends the connection while we still send may have said why. Raises `fault` where that is not so."""
        if fault.code == errors.CONNECTION_LOST:
            try:
                reply = self._reader.read()
            except ExchangeFault:
                raise fault from None
            if reply.status >= _FIRST_REFUSAL:
                reply.is_reusable = False
                return reply
        raise fault

    def _refused(self, reply: HttpReply) -> InvocationError:
        if reply.status < _FIRST_REFUSAL:
            message = f"HTTP {reply.status} where {self._success} means success"
            error = fault_error(errors.UNEXPECTED_STATUS, message, self._target)
            error.status = reply.status
            return error
        headers = HeadersDict({name.decode(): value for name, value in reply.headers.items()})
        return refusal_error(self._parser.parse(reply.status, headers, reply.body), self._target)


def forwarding_proxy(url: str, proxy: str | None) -> str | None:
    """The HTTP proxy that requests to `url` are handed to as a whole; None for no proxy and for a tunnel."""
    if proxy is None or urlsplit(url).scheme != "http":
        return None
    return proxy if urlsplit(proxy).scheme in {"http", "https"} else None
