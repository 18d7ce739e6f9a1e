"""The state table is whole: every state is reachable, every state can end, and nothing leaves the end."""

import itertools

import pytest

from kafka_lambda_sink.core.errors import IllegalTransition
from kafka_lambda_sink.core.state import TRANSITIONS, PipelineEvent, PipelineState, TaskState, task_state, transition


def reachable_from(state: PipelineState) -> set[PipelineState]:
    seen = {state}
    frontier = [state]
    while frontier:
        current = frontier.pop()
        for (source, _), target in TRANSITIONS.items():
            if source is current and target not in seen:
                seen.add(target)
                frontier.append(target)
    return seen


def test_every_state_is_reachable_from_the_first():
    assert reachable_from(PipelineState.STARTING) == set(PipelineState)


@pytest.mark.parametrize("state", list(PipelineState))
def test_every_state_can_reach_closed(state):
    assert PipelineState.CLOSED in reachable_from(state)


def test_closed_is_terminal():
    assert not [source for source, _ in TRANSITIONS if source is PipelineState.CLOSED]


@pytest.mark.parametrize(("state", "event"), list(itertools.product(PipelineState, PipelineEvent)))
def test_every_pair_is_a_legal_move_or_the_one_error(state, event):
    if (state, event) in TRANSITIONS:
        assert transition(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"event {event.value} in state {state.value}"):
            transition(state, event)


def test_a_partition_that_is_given_away_never_runs_again():
    for event in PipelineEvent:
        target = TRANSITIONS.get((PipelineState.DRAINING, event))
        assert target not in {PipelineState.RUNNING, PipelineState.RETRYING, PipelineState.STARTING}


@pytest.mark.parametrize(
    ("pipelines", "expected"),
    [
        ([], TaskState.UNASSIGNED),
        ([PipelineState.CLOSED], TaskState.UNASSIGNED),
        ([PipelineState.RUNNING, PipelineState.RETRYING], TaskState.RUNNING),
        ([PipelineState.RUNNING, PipelineState.FAILED], TaskState.FAILED),
        ([PipelineState.FAILED], TaskState.FAILED),
    ],
)
def test_task_state_is_failed_while_any_partition_is(pipelines, expected):
    assert task_state(pipelines) is expected
