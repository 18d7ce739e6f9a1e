"""What one invocation says of its function as a whole: of its capacity, and of whether it can be reached at all."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from kafka_lambda_sink.core.errors import ExpiredCredentialsError, InvocationError, TransientInvocationError


class CallOutcome(Enum):
    """What became of a call, as far as other calls of the same function are concerned."""

    #: Lambda answered, whatever it said of these bytes.
    ANSWERED = auto()
    #: Nothing can be said: it was aborted, or came to its end in the middle.
    UNKNOWN = auto()
    #: No connection to the endpoint, or a 5xx.
    AWAY = auto()
    #: Throttled: too many at once in the account.
    CROWDED = auto()
    #: Throttled: too many at once for the concurrency that is reserved for the function, which may be 0.
    RESERVED = auto()
    #: Throttled: too many in a second.
    TOO_FAST = auto()


#: The members of TooManyRequestsException's `Reason`: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
#: Whatever else comes with 429 (ConcurrentInvocationLimitExceeded, ConcurrentSnapshotCreateLimitExceeded, no reason) is
#: CROWDED: fewer at once is right in any case.
_REASONS: Final = {
    "ReservedFunctionConcurrentInvocationLimitExceeded": CallOutcome.RESERVED,
    "ReservedFunctionInvocationRateLimitExceeded": CallOutcome.TOO_FAST,
    "FunctionInvocationRateLimitExceeded": CallOutcome.TOO_FAST,
    "CallerRateLimitExceeded": CallOutcome.TOO_FAST,
}
#: Throttles of AWS's front end, which counts requests: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html.
_TOO_FAST: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "SlowDown",
    }
)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500

#: Those that are throttles.
THROTTLES: Final = frozenset({CallOutcome.CROWDED, CallOutcome.RESERVED, CallOutcome.TOO_FAST})


def outcome_of(error: BaseException | None) -> CallOutcome:
    """The outcome of a call that raised `error`, or None for one that returned a reply."""
    if error is None:
        return CallOutcome.ANSWERED
    if not isinstance(error, InvocationError) or isinstance(error, ExpiredCredentialsError):
        return CallOutcome.UNKNOWN
    if not isinstance(error, TransientInvocationError):
        return CallOutcome.ANSWERED if error.status else CallOutcome.UNKNOWN
    return _of_transient(error)


def _of_transient(error: TransientInvocationError) -> CallOutcome:
    if error.status == _TOO_MANY_REQUESTS:
        return _REASONS.get(error.reason or "", CallOutcome.CROWDED)
    if error.code in _TOO_FAST:
        return CallOutcome.TOO_FAST
    if not error.status:
        # Nothing of it reached the function, or nobody knows: a function that takes its time is not away.
        return CallOutcome.UNKNOWN if error.may_have_run else CallOutcome.AWAY
    return CallOutcome.AWAY if error.status >= _SERVER_ERROR else CallOutcome.ANSWERED
