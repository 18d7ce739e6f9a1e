"""The states of a partition pipeline: one table, and Connect's words for it.

    STARTING ──STARTED──► RUNNING ──RETRIABLE_FAILURE──► RETRYING ──DELIVERED──► RUNNING
    any live state ──REVOKED──► DRAINING ──DRAINED──► CLOSED
    any live state ──FATAL──► FAILED; any state ──LOST──► CLOSED

Rule 1: what moves a pipeline stands in `TRANSITIONS`. An event that is not in the table for a state is a bug of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from kafka_lambda_sink.core.errors import IllegalTransition


class PipelineState(Enum):
    """What a partition pipeline is doing."""

    #: Looks up where to start.
    STARTING = "STARTING"
    #: Fetches and delivers.
    RUNNING = "RUNNING"
    #: Waits to send the same batch, or to reach the broker, again.
    RETRYING = "RETRYING"
    #: Takes no more records; finishes what is in flight.
    DRAINING = "DRAINING"
    #: Stopped at a batch; holds its committed offset.
    FAILED = "FAILED"
    #: Over; its epoch is dead.
    CLOSED = "CLOSED"


class PipelineEvent(Enum):
    """What happens to a partition pipeline."""

    STARTED = "STARTED"
    DELIVERED = "DELIVERED"
    RETRIABLE_FAILURE = "RETRIABLE_FAILURE"
    REVOKED = "REVOKED"
    LOST = "LOST"
    DRAINED = "DRAINED"
    FATAL = "FATAL"


_S, _E = PipelineState, PipelineEvent

TRANSITIONS: Final[dict[tuple[PipelineState, PipelineEvent], PipelineState]] = {
    (_S.STARTING, _E.STARTED): _S.RUNNING,
    (_S.STARTING, _E.RETRIABLE_FAILURE): _S.STARTING,
    (_S.STARTING, _E.REVOKED): _S.DRAINING,
    (_S.STARTING, _E.LOST): _S.CLOSED,
    (_S.STARTING, _E.FATAL): _S.FAILED,
    (_S.RUNNING, _E.DELIVERED): _S.RUNNING,
    (_S.RUNNING, _E.RETRIABLE_FAILURE): _S.RETRYING,
    (_S.RUNNING, _E.REVOKED): _S.DRAINING,
    (_S.RUNNING, _E.LOST): _S.CLOSED,
    (_S.RUNNING, _E.FATAL): _S.FAILED,
    (_S.RETRYING, _E.DELIVERED): _S.RUNNING,
    (_S.RETRYING, _E.RETRIABLE_FAILURE): _S.RETRYING,
    (_S.RETRYING, _E.REVOKED): _S.DRAINING,
    (_S.RETRYING, _E.LOST): _S.CLOSED,
    (_S.RETRYING, _E.FATAL): _S.FAILED,
    (_S.DRAINING, _E.STARTED): _S.DRAINING,
    (_S.DRAINING, _E.DELIVERED): _S.DRAINING,
    (_S.DRAINING, _E.RETRIABLE_FAILURE): _S.DRAINING,
    (_S.DRAINING, _E.REVOKED): _S.DRAINING,
    (_S.DRAINING, _E.DRAINED): _S.CLOSED,
    (_S.DRAINING, _E.LOST): _S.CLOSED,
    (_S.DRAINING, _E.FATAL): _S.FAILED,
    (_S.FAILED, _E.FATAL): _S.FAILED,
    (_S.FAILED, _E.REVOKED): _S.CLOSED,
    (_S.FAILED, _E.LOST): _S.CLOSED,
    (_S.FAILED, _E.DRAINED): _S.CLOSED,
}


def transition(state: PipelineState, event: PipelineEvent) -> PipelineState:
    """The state after `event`. Raises IllegalTransition where the table has none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"event {event.value} in state {state.value}") from None


class TaskState(Enum):
    """Kafka Connect's `AbstractStatus.State`, as far as a task of ours can be in it."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    FAILED = "FAILED"


def task_state(pipelines: Iterable[PipelineState]) -> TaskState:
    """The task is FAILED while any of its partitions is stopped, though the others run on."""
    states = [state for state in pipelines if state is not PipelineState.CLOSED]
    if PipelineState.FAILED in states:
        return TaskState.FAILED
    return TaskState.RUNNING if states else TaskState.UNASSIGNED
