"""What the process's exit code says."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from kafka_lambda_sink.core.errors import (
    ConfigError,
    ConfigurationInvocationError,
    KafkaAuthorizationError,
    KafkaLambdaSinkError,
)
from kafka_lambda_sink.pipeline.coordinator import AllPartitionsFailed

#: A second signal ends the process at once with this plus the signal's number, as shells count.
SIGNAL_BASE = 128


class ExitCode(IntEnum):
    """The documented exit codes."""

    #: A clean stop: what was in flight was finished or will be delivered again.
    OK = 0
    #: A fault that nobody foresaw, or a service that could not be reached at start: try again. For commands that
    #: answer a question it is the plain "no": the function of `invoke` failed, the record of `explain` is filtered out.
    CRASH = 1
    #: The configuration is wrong: a restart alone changes nothing.
    CONFIGURATION = 2
    #: Credentials or permissions are refused, by Kafka or by AWS.
    AUTHORIZATION = 3
    #: Every assigned partition is stopped.
    ALL_PARTITIONS_FAILED = 4


#: Which one counts of several: what a person has to change comes before what may pass by itself.
_RANK: Final = (
    ExitCode.CONFIGURATION,
    ExitCode.AUTHORIZATION,
    ExitCode.ALL_PARTITIONS_FAILED,
    ExitCode.CRASH,
    ExitCode.OK,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The one that counts of several; of none, OK."""
    return min((*codes, ExitCode.OK), key=_RANK.index)


def exit_code(failure: KafkaLambdaSinkError | None) -> ExitCode:
    """The exit code for what ended the process."""
    match failure:
        case None:
            return ExitCode.OK
        case ConfigurationInvocationError() if failure.is_authorization:
            return ExitCode.AUTHORIZATION
        case KafkaAuthorizationError():
            return ExitCode.AUTHORIZATION
        case ConfigError() | ConfigurationInvocationError():
            return ExitCode.CONFIGURATION
        case AllPartitionsFailed():
            return ExitCode.ALL_PARTITIONS_FAILED
        case _:
            return ExitCode.CRASH
