"""The local Invoke endpoint: Lambda's API over HTTP, in this process."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.local import control, fault_delivery
from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.event_queue import EventQueue
from kafka_lambda_sink.local.execution import Executor
from kafka_lambda_sink.local.faults import Delay, Fault, FaultScript
from kafka_lambda_sink.local.function import Function, FunctionTable
from kafka_lambda_sink.local.http_message import Reply, Request
from kafka_lambda_sink.local.http_server import Connection, HttpServer
from kafka_lambda_sink.local.invoke_api import InvokeApi, Permissions
from kafka_lambda_sink.local.journal import Entry, Journal
from kafka_lambda_sink.local.refusals import Refusal
from kafka_lambda_sink.local.signature import Credential, CredentialTable

__all__ = ["Credential", "Function", "InvokeEndpoint"]

#: Concurrent executions of an account, AWS's default quota.
_ACCOUNT_CONCURRENCY = 1000


class InvokeEndpoint:
    """Answers Invoke (RequestResponse, Event, DryRun), GetFunctionConfiguration and GetFunction as AWS does.

    A context manager: it listens from the constructor on, answers from `__enter__` (or `start`) on. Every request's
    signature is checked. All attributes may be used from any thread while it runs.
    """

    def __init__(
        self,
        functions: Iterable[Function] = (),
        credentials: Mapping[str, str | Credential] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        account: str = "123456789012",
        account_concurrency: int = _ACCOUNT_CONCURRENCY,
        journal_path: Path | None = None,
        journal_limit: int | None = None,
        fault_seed: int = 0,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._functions = FunctionTable(account)
        for function in functions:
            self._functions.add(function)
        #: Access keys that may call; change them to rotate or expire.
        self.credentials = CredentialTable({"AKIALOCAL": "secret"} if credentials is None else credentials)
        #: Actions to deny, e.g. `permissions.deny("lambda:InvokeFunction")`.
        self.permissions = Permissions()
        #: Faults to come.
        self.faults = FaultScript(fault_seed)
        #: What was asked, answered and executed.
        self.journal = Journal(self._clock, path=journal_path, limit=journal_limit)
        self._executor = executor = Executor(
            journal=self.journal, clock=self._clock, account_concurrency=account_concurrency
        )
        #: Asynchronous invocations that are not done with.
        self.events = EventQueue(executor, self._clock)
        scheme = "http" if tls is None else "https"
        self._api = InvokeApi(
            functions=self._functions,
            credentials=self.credentials,
            permissions=self.permissions,
            executor=executor,
            events=self.events,
            clock=self._clock,
            scheme=scheme,
        )
        self._control = control.Control(journal=self.journal, faults=self.faults, executor=executor, events=self.events)
        self._server = HttpServer(self._handle, name="local-invoke", host=host, port=port, tls=tls)
        #: What to give a client as endpoint URL.
        self.url = f"{scheme}://{host}:{self._server.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Answer from now on."""
        self._server.start()

    def close(self) -> None:
        """End what hangs, close the connections, the functions' environments and the journal's file."""
        self.faults.clear()
        self.faults.release()
        self._server.stop()
        for function in self._functions.all():
            function.handler.close()
        self.events.close()
        self._server.close()
        self.journal.close()

    def add_function(self, function: Function) -> None:
        """Add or replace a function."""
        self._functions.add(function)

    def in_flight(self) -> int:
        """Executions that run now."""
        return sum(self._executor.in_flight().values())

    def _handle(self, request: Request, connection: Connection) -> None:
        if request.path.startswith(control.PREFIX):
            connection.send(self._control.answer(request, connection.peer).encode())
            return
        entry = self.journal.begin(request, connection.number)
        sent = False
        try:
            fault, reply = self._answer(request, entry)
            if reply is not None:
                _add_common_headers(reply, entry, self._clock)
                entry.planned_reply(reply)
            sent = fault_delivery.deliver(fault, reply, connection, self.faults)
        finally:
            self.journal.finish(entry, sent=sent)

    def _answer(self, request: Request, entry: Entry) -> tuple[Fault | None, Reply | None]:
        fault: Fault | None = None
        try:
            admitted = self._api.admit(request, entry)
            self.journal.admitted()
            fault = self.faults.take(entry)
            entry.planned = "function" if fault is None else repr(fault)
            if not fault_delivery.runs_code(fault):
                return fault, fault_delivery.canned_reply(fault)
            if isinstance(fault, Delay):
                self.faults.pause(fault.seconds)
            return fault, self._api.perform(admitted, entry)
        except Refusal as refusal:
            entry.planned = entry.planned or "refusal"
            return fault, refusal.reply()


def _add_common_headers(reply: Reply, entry: Entry, clock: Clock) -> None:
    reply.headers.insert(0, ("Date", formatdate(clock.now_ms() / 1000, usegmt=True)))
    if entry.request_id is not None and reply.header("Content-Type") != "text/html":
        reply.headers.insert(1, ("x-amzn-RequestId", entry.request_id))
