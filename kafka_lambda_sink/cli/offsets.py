"""`kafka-lambda-sink offsets`: where a connector's group stands, and where it shall go on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.connector.group_offsets import GroupOffsets, GroupState, NoSuchPartition, active_group
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError
from kafka_lambda_sink.core.offset_plan import Move
from kafka_lambda_sink.core.reset_target import ResetTargetError, parse_reset_target
from kafka_lambda_sink.core.start import OffsetReset
from kafka_lambda_sink.kafka.group_view import ActiveMember
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.telemetry.logs import configure
from kafka_lambda_sink.worker.exit_codes import ExitCode


def show(sources: Sources, topic: str | None, partitions: Collection[int], *, is_json: bool) -> ExitCode:
    """Ask and print. Changes nothing."""
    try:
        with _open(sources) as group:
            state = group.state(topic, partitions)
    except KafkaLambdaSinkError as error:
        return show_failure(error)
    if is_json:
        _echo_json(_state_document(group, state))
    else:
        _show_state(Console(), group, state)
    return ExitCode.OK


def reset(
    sources: Sources, topic: str | None, partitions: Collection[int], to: str, *, execute: bool, is_json: bool
) -> ExitCode:
    """Plan, print, and with `execute` commit. CRASH while the group has members: nothing is committed then."""
    clock = SystemClock()
    try:
        target = parse_reset_target(to, now_ms=clock.now_ms())
    except ResetTargetError as error:
        raise click.BadParameter(str(error), param_hint="--to") from None
    refusal: KafkaLambdaSinkError | None = None
    try:
        with _open(sources) as group:
            state = group.state(topic, partitions)
            moves = group.plan(state, target)
            if not moves:
                raise NoSuchPartition(
                    f"there is nothing to set: {', '.join(state.missing) or 'no topic'} does not exist"
                )
            try:
                if execute:
                    group.reset(moves)
            except KafkaLambdaSinkError as error:
                refusal = error
    except KafkaLambdaSinkError as error:
        return show_failure(error)
    is_done = execute and refusal is None
    if is_json:
        _echo_json(_plan_document(group, state, moves, is_done=is_done))
    else:
        _show_plan(Console(), group, moves, is_done=is_done)
    if refusal is not None:
        return show_failure(refusal)
    if not is_done and not is_json:
        click.echo("Nothing was changed. --execute does it.")
        if state.members:
            click.echo(f"Not now: {active_group(group.group_id, state.members)}.")
    return ExitCode.OK


def _open(sources: Sources) -> GroupOffsets:
    loaded = sources.load()
    configure("console", "error", None)
    return GroupOffsets(loaded, SystemClock())


# --- as JSON ---


def _state_document(group: GroupOffsets, state: GroupState) -> dict[str, Any]:
    return _group_document(group, state) | {
        "partitions": [
            {
                "topic": each.tp.topic,
                "partition": each.tp.partition,
                "committed": each.committed.offset,
                "log_start": each.log_start,
                "log_end": each.log_end,
                "lag": each.lag(group.reset_policy),
                "committed_for": each.written_under.value,
            }
            for each in state.partitions
        ]
    }


def _plan_document(group: GroupOffsets, state: GroupState, moves: Sequence[Move], *, is_done: bool) -> dict[str, Any]:
    return _group_document(group, state) | {
        "executed": is_done,
        "partitions": [
            {
                "topic": move.offsets.tp.topic,
                "partition": move.offsets.tp.partition,
                "committed": move.offsets.committed.offset,
                "from": move.start,
                "to": move.target,
                "again": move.again,
                "skipped": move.skipped,
                "note": move.note or None,
            }
            for move in moves
        ],
    }


def _group_document(group: GroupOffsets, state: GroupState) -> dict[str, Any]:
    return {
        "group": group.group_id,
        "members": [
            {"client_id": member.client_id, "host": member.host, "partitions": member.partitions}
            for member in state.members
        ],
        "missing_topics": list(state.missing),
    }


def _echo_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


# --- for people ---


def _show_state(console: Console, group: GroupOffsets, state: GroupState) -> None:
    console.print(Text(f"Group {group.group_id}", "bold"))
    columns = ("topic", "partition", "committed", "log start", "log end", "lag", "committed for")
    console.print(
        _table(
            columns,
            (
                (
                    each.tp.topic,
                    each.tp.partition,
                    each.committed.offset,
                    each.log_start,
                    each.log_end,
                    each.lag(group.reset_policy),
                    each.written_under.value,
                )
                for each in state.partitions
            ),
        )
    )
    for topic in state.missing:
        click.echo(f"The topic {topic} does not exist.")
    click.echo("\n".join(_members(state.members)))


def _members(members: Sequence[ActiveMember]) -> Iterable[str]:
    yield f"{len(members) or 'No'} active member{'' if len(members) == 1 else 's'}."
    for member in members:
        yield f"  {member.client_id} on {member.host.lstrip('/')}: {member.partitions} partitions"


def _show_plan(console: Console, group: GroupOffsets, moves: Sequence[Move], *, is_done: bool) -> None:
    console.print(Text(f"Group {group.group_id}", "bold"))
    rows = (
        (
            move.offsets.tp.topic,
            move.offsets.tp.partition,
            move.start if move.start is not None else "stops",
            move.target,
            move.again,
            move.skipped,
            _note(move, group.reset_policy),
        )
        for move in moves
    )
    console.print(_table(("topic", "partition", "from", "to", "again", "skipped", ""), rows))
    again, skipped = sum(move.again for move in moves), sum(move.skipped for move in moves)
    verb = "are" if is_done else "would be"
    click.echo(f"Offsets that {verb} delivered again: {again}; that {verb} never delivered: {skipped}.")
    if is_done:
        click.echo("Committed: the connector goes on there when it starts.")


def _note(move: Move, policy: OffsetReset) -> str:
    """Why a start would not begin at what is committed, and what became of the offset asked for."""
    committed, notes = move.offsets.committed.offset, [move.note] if move.note else []
    if committed is None:
        notes.append(f"nothing is committed: auto.offset.reset={policy.value}")
    elif committed != move.start:
        notes.append(f"{committed} is committed, for {move.offsets.written_under.value}, and is not used")
    return "; ".join(notes)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, overflow="fold", justify="right" if 0 < number < len(columns) - 1 else "left")
    for row in rows:
        table.add_row(*(Text("-" if cell is None else str(cell)) for cell in row))
    return table
