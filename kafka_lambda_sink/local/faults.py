"""Scripted faults: which call gets which fault. How a fault looks on the wire is in `fault_delivery`.

The same shapes are JSON for the control API: `{"fault": {"type": "Throttle", "retry_after": 2}, "times": 3}`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from kafka_lambda_sink.local.journal import Entry


class _Fault(msgspec.Struct, tag_field="type", tag=True, forbid_unknown_fields=True):
    """What happens to one call."""


class Ok(_Fault):
    """Nothing: the call goes through. Fills a place in a script."""


class Throttle(_Fault):
    """429 TooManyRequestsException. `retry_after` in seconds, None for no header."""

    reason: str = "ConcurrentInvocationLimitExceeded"
    retry_after: float | None = None


class ApiError(_Fault):
    """Any refusal of the API, e.g. `ApiError(502, "EC2ThrottledException")`."""

    status: int
    code: str
    message: str = "Scripted."
    error_type: str = "Service"


class ExpiredToken(_Fault):
    """403 ExpiredTokenException, whatever the credentials."""


class HtmlError(_Fault):
    """An error page of a proxy or load balancer: HTML, no AWS headers."""

    status: int = 502


class Redirect(_Fault):
    """A redirect, which AWS's clients do not follow."""

    location: str = "http://127.0.0.1:9/"
    status: int = 302


class FunctionErrorReply(_Fault):
    """200 with X-Amz-Function-Error and this payload; the code does not run."""

    kind: str = "Unhandled"
    payload: bytes = b'{"errorMessage":"scripted","errorType":"ScriptedError","stackTrace":[]}'
    #: Sent as X-Amz-Log-Result as it is, base64 or not.
    log_result: str | None = None


class PayloadReply(_Fault):
    """200 with this payload; the code does not run."""

    payload: bytes = b"null"
    log_result: str | None = None


class RawReply(_Fault):
    """Exactly these bytes, then the connection is closed; the code does not run."""

    data: bytes


class Delay(_Fault):
    """The call goes through after `seconds`."""

    seconds: float


class Hang(_Fault):
    """No reply for `seconds`, or until `release()` where None; then the reply is sent if anyone still listens.

    With `ran=False` the code does not run and the connection is closed at the end.
    """

    seconds: float | None = None
    ran: bool = True


class ResetAfterRequest(_Fault):
    """RST once the request has been read, without a byte of a reply."""

    ran: bool = False


class CloseAfterRequest(_Fault):
    """FIN once the request has been read, without a byte of a reply."""

    ran: bool = False


class ResetBeforeBody(_Fault):
    """The code runs; the reply's headers are sent, then RST."""


class TruncatedBody(_Fault):
    """The code runs; the reply breaks off with FIN in the middle of its body."""


class BadChunk(_Fault):
    """The code runs; the reply is chunked and its second chunk has no valid size."""


class SlowBody(_Fault):
    """The code runs; the reply's body comes a byte at a time."""

    bytes_per_second: float = 1.0


class CloseAfterReply(_Fault):
    """A whole reply that announces keep-alive, then FIN: the client's next request meets a dead connection."""


Fault: TypeAlias = (
    Ok
    | Throttle
    | ApiError
    | ExpiredToken
    | HtmlError
    | Redirect
    | FunctionErrorReply
    | PayloadReply
    | RawReply
    | Delay
    | Hang
    | ResetAfterRequest
    | CloseAfterRequest
    | ResetBeforeBody
    | TruncatedBody
    | BadChunk
    | SlowBody
    | CloseAfterReply
)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault and the calls that it is for; what is None matches everything."""

    fault: Fault
    #: `RequestResponse`, `Event`, `DryRun`, `GetFunctionConfiguration` or `GetFunction`; None: the first two, so that a
    #: script is not used up by the questions a client asks at its start.
    call: str | None = None
    function: str | None = None
    #: Of the first record in a batch of the connector's format.
    topic: str | None = None
    partition: int | None = None
    #: How often, or None for ever.
    times: int | None = 1
    #: Chance that a matching call gets it.
    probability: float = 1.0

    def matches(self, entry: Entry) -> bool:
        """Whether the rule is for this call."""
        is_call = entry.call == self.call if self.call else entry.call in {"RequestResponse", "Event"}
        return (
            is_call
            and self.function in {None, entry.function}
            and self.topic in {None, entry.topic}
            and self.partition in {None, entry.partition}
        )


class FaultScript:
    """The rules that are in force, in order: a call gets the first one that matches. Thread-safe."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Rule, int | None]] = []
        self._random = random.Random(seed)  # noqa: S311  # a repeatable sequence is the point
        self._released = threading.Event()

    def script(self, faults: Sequence[Fault], *, function: str | None = None, call: str | None = None) -> None:
        """One fault a call, in this order, each once."""
        self.extend([Rule(fault=fault, function=function, call=call) for fault in faults])

    def add(
        self,
        fault: Fault,
        *,
        call: str | None = None,
        function: str | None = None,
        topic: str | None = None,
        partition: int | None = None,
        times: int | None = 1,
        probability: float = 1.0,
    ) -> None:
        """One rule; the arguments are those of `Rule`."""
        rule = Rule(
            fault=fault,
            call=call,
            function=function,
            topic=topic,
            partition=partition,
            times=times,
            probability=probability,
        )
        self.extend([rule])

    def extend(self, rules: Sequence[Rule]) -> None:
        """Append rules."""
        with self._lock:
            self._rules += [(rule, rule.times) for rule in rules]

    def take(self, entry: Entry) -> Fault | None:
        """The fault for a call, used up by one, or None."""
        with self._lock:
            for index, (rule, left) in enumerate(self._rules):
                if not rule.matches(entry) or self._random.random() >= rule.probability:
                    continue
                if left is not None and left <= 1:
                    del self._rules[index]
                elif left is not None:
                    self._rules[index] = (rule, left - 1)
                return rule.fault
        return None

    def pending(self) -> int:
        """How many rules are left."""
        with self._lock:
            return len(self._rules)

    def clear(self) -> None:
        """Drop all rules; what hangs goes on hanging."""
        with self._lock:
            self._rules.clear()

    def release(self) -> None:
        """Let every call go on that hangs or is delayed now; later ones hang again."""
        with self._lock:
            self._released.set()
            self._released = threading.Event()

    def pause(self, seconds: float | None) -> None:
        """Block for `seconds`, or for ever where None, or until `release()`."""
        with self._lock:
            released = self._released
        released.wait(seconds)
