"""The rules of Lambda's Invoke, GetFunctionConfiguration and GetFunction: a request in, a reply out.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote

from kafka_lambda_sink.core.ports import CallContext, Clock
from kafka_lambda_sink.local import refusals
from kafka_lambda_sink.local.call_headers import check_tenant, context_of
from kafka_lambda_sink.local.durable import DurableExecutions
from kafka_lambda_sink.local.event_queue import EventQueue
from kafka_lambda_sink.local.execution import Call, Executor, log_tail
from kafka_lambda_sink.local.function import FunctionTable, Target
from kafka_lambda_sink.local.handler import Outcome, failure
from kafka_lambda_sink.local.http_message import Reply, Request
from kafka_lambda_sink.local.journal import Entry
from kafka_lambda_sink.local.names import parse_function_name
from kafka_lambda_sink.local.signature import CredentialTable, verify

#: Most bytes of a payload, by invocation type.
PAYLOAD_LIMITS = {"RequestResponse": 6_291_456, "Event": 1_048_576, "DryRun": 6_291_456}

_ROUTE = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)(?P<rest>/invocations|/configuration)?/?")
_OPERATIONS = {
    ("POST", "/invocations"): "lambda:InvokeFunction",
    ("GET", "/configuration"): "lambda:GetFunctionConfiguration",
    ("GET", None): "lambda:GetFunction",
}
_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that the API takes."""

    #: `RequestResponse`, `Event`, `DryRun`, `GetFunctionConfiguration` or `GetFunction`.
    kind: str
    call: Call
    wants_log: bool


class Permissions:
    """Actions that the caller may not use; everything else is allowed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._denied: set[str] = set()

    def deny(self, action: str) -> None:
        """Refuse an action, e.g. `lambda:InvokeFunction`, with AccessDeniedException."""
        with self._lock:
            self._denied.add(action)

    def allow(self, action: str) -> None:
        """Allow it again."""
        with self._lock:
            self._denied.discard(action)

    def is_denied(self, action: str) -> bool:
        """Whether it is refused."""
        with self._lock:
            return action in self._denied


class InvokeApi:
    """Decides what a request is answered with; knows nothing of connections and faults. Thread-safe."""

    def __init__(
        self,
        *,
        functions: FunctionTable,
        credentials: CredentialTable,
        permissions: Permissions,
        executor: Executor,
        events: EventQueue,
        clock: Clock,
        scheme: str,
    ) -> None:
        self._functions = functions
        self._credentials = credentials
        self._permissions = permissions
        self._executor = executor
        self._events = events
        self._clock = clock
        self._scheme = scheme
        self._durable = DurableExecutions()

    def admit(self, request: Request, entry: Entry) -> Admitted:
        """Check a request as AWS does before any code runs, and note in `entry` what it asks for. Raises Refusal."""
        route = _ROUTE.fullmatch(request.path)
        action = _OPERATIONS.get((request.method, route["rest"])) if route else None
        if route is None or action is None:
            raise refusals.unknown_operation(request.method, request.path)
        entry.request_id = str(uuid.uuid4())
        entry.call = _kind(request, action)
        caller = verify(request, scheme=self._scheme, credentials=self._credentials, clock=self._clock)
        name = unquote(route["name"])
        reference = parse_function_name(name)
        if reference is None:
            raise refusals.invalid_name(name)
        entry.function = reference.name
        if self._permissions.is_denied(action):
            arn = self._functions.arn(reference, caller.region)
            raise refusals.access_denied(action, arn, self._functions.account)
        query_qualifier = parse_qs(request.query).get("Qualifier", [None])[0]
        payload = b""
        if action == "lambda:InvokeFunction":
            payload = _payload(request, entry)
        target = self._functions.resolve(reference, query_qualifier, caller.region)
        entry.qualifier = target.qualifier
        context = CallContext()
        if action == "lambda:InvokeFunction":
            context = context_of(request)
            check_tenant(context, target.function)
        call = Call(target, payload, entry.request_id, context)
        return Admitted(entry.call, call, request.header("x-amz-log-type") == "Tail")

    def perform(self, admitted: Admitted, entry: Entry) -> Reply:
        """Do what was admitted. Blocks as long as the function runs. Raises Refusal (429)."""
        match admitted.kind:
            case "GetFunctionConfiguration":
                return _document(_configuration(admitted.call.target))
            case "GetFunction":
                code = {"RepositoryType": "S3", "Location": ""}
                return _document({"Configuration": _configuration(admitted.call.target), "Code": code})
            case "DryRun":
                return Reply(204)
            case "Event":
                self._queue(admitted.call)
                return Reply(202)
            case _:
                return self._execute(admitted, entry)

    def _execute(self, admitted: Admitted, entry: Entry) -> Reply:
        outcome = self._outcome(admitted.call, entry)
        headers = [_JSON, ("X-Amz-Executed-Version", admitted.call.target.version)]
        if outcome.function_error is not None:
            headers.append(("X-Amz-Function-Error", outcome.function_error))
        if admitted.wants_log:
            headers.append(("X-Amz-Log-Result", log_tail(outcome.log)))
        return Reply(200, headers, outcome.payload)

    def _outcome(self, call: Call, entry: Entry) -> Outcome:
        def run() -> Outcome:
            outcome = self._executor.execute(call)
            entry.ran = True
            return outcome

        name, function = call.context.durable_name, call.target.function
        if name is None or not function.is_durable:
            return run()
        attached = self._durable.execute(function.arn, name, call.payload, run, function.timeout)
        return attached or failure("Sandbox.Timedout", f"Task timed out after {function.timeout:.2f} seconds")

    def _queue(self, call: Call) -> None:
        name, function = call.context.durable_name, call.target.function
        if name is None or not function.is_durable or self._durable.is_new(function.arn, name, call.payload):
            self._events.put(call)


def _kind(request: Request, action: str) -> str:
    if action != "lambda:InvokeFunction":
        return action.removeprefix("lambda:")
    kind = request.header("x-amz-invocation-type") or "RequestResponse"
    if kind not in PAYLOAD_LIMITS:
        members = "Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
        raise refusals.invalid_value("invocationType", kind, members)
    return kind


def _payload(request: Request, entry: Entry) -> bytes:
    kind = entry.call or "RequestResponse"
    limit = PAYLOAD_LIMITS[kind]
    if len(request.body) > limit:
        raise refusals.payload_too_large(len(request.body), kind, limit)
    # Invoked without a payload, a function gets an empty event.
    payload = request.body or b"{}"
    try:
        document = json.loads(payload, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refusals.not_json(str(error) or type(error).__name__) from None
    entry.topic, entry.partition = _coordinates(document)
    return payload


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"Non-standard token '{text}'")


def _coordinates(document: Any) -> tuple[str | None, int | None]:
    match document:
        case [{"payload": {"topic": str(topic), "partition": int(partition)}}, *_]:
            return topic, partition
    return None, None


def _configuration(target: Target) -> dict[str, Any]:
    return target.function.configuration(target.qualifier)


def _document(body: dict[str, Any]) -> Reply:
    return Reply(200, [_JSON], json.dumps(body, separators=(",", ":")).encode())
