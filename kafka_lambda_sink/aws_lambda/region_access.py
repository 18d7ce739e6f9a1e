"""The way to Lambda in one region: what all functions of a connector there have in common."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.session import Session

from kafka_lambda_sink.aws_lambda.botocore_faults import keep_body
from kafka_lambda_sink.aws_lambda.credentials import CredentialSource, SharedCredentialProvider
from kafka_lambda_sink.aws_lambda.refusal_parser import RefusalParser
from kafka_lambda_sink.aws_lambda.session import LambdaSettings, open_client, open_session, resolve_credentials
from kafka_lambda_sink.core.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

#: A question on the control path is answered within this many seconds, or not at all.
_CONTROL_READ_TIMEOUT: Final = 30.0


class RegionAccess:
    """Session, credentials and botocore clients. Thread-safe.

    Measured: 10 MB and 0.1 s of CPU time, so functions of one region share it. Construction does no network IO. Raises
    ConfigError (no region, unknown profile, impossible endpoint).
    """

    def __init__(self, settings: LambdaSettings, clock: Clock, credentials: CredentialSource | None = None) -> None:
        self._settings = settings
        self.session: Final[Session] = open_session(settings)
        #: The role is the same in every region: a connector asks for it once.
        self.credentials: Final = credentials or CredentialSource(partial(resolve_credentials, settings), clock)
        self.session.register_component("credential_provider", SharedCredentialProvider(self.credentials))
        self.control_client: Final = self._open_client(min(settings.read_timeout, _CONTROL_READ_TIMEOUT))
        self.parser: Final = RefusalParser(self.control_client.meta.service_model)
        self._lock = threading.Lock()
        self._clients: dict[float, LambdaClient] = {}

    def client(self, read_timeout: float) -> LambdaClient:
        """One client for all invokers with the same timeout: a client a thread would cost megabytes each."""
        with self._lock:
            client = self._clients.get(read_timeout)
            if client is None:
                client = self._clients[read_timeout] = self._open_client(read_timeout)
            return client

    def _open_client(self, read_timeout: float) -> LambdaClient:
        client = open_client(replace(self._settings, read_timeout=read_timeout), self.session)
        client.meta.events.register("response-received.lambda", keep_body)
        return client
