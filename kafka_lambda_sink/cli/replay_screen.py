"""What `replay` shows: what there is, progress while it runs, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from kafka_lambda_sink.connector.replay import Replay, ReplaySummary
from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.core.replay_item import ReplayItem
from kafka_lambda_sink.pipeline.replay_ledger import RangeOutcome

#: Rows of a list that are shown; JSON has them all.
_MOST_ROWS: Final = 500
_MOST_GONE: Final = 20
#: Seconds between two lines of progress where there is no terminal.
_PLAIN_INTERVAL: Final = 10.0


class ReplayView:
    """One line that grows: reports, records, failures; a line now and then where there is no terminal.

    A context manager.
    """

    def __init__(self, console: Console, replay: Replay, clock: Clock) -> None:
        self._replay, self._clock = replay, clock
        self._is_plain = not console.is_terminal
        self._due = clock.monotonic() + _PLAIN_INTERVAL
        self._progress = Progress(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("reports"),
            TextColumn("[cyan]{task.fields[delivered]} records delivered"),
            TextColumn("[yellow]{task.fields[running]} partitions at work"),
            TextColumn("[red]{task.fields[failed]} failed again"),
            TimeElapsedColumn(),
            console=console,
            disable=self._is_plain,
        )
        self._task = self._progress.add_task("", total=None, delivered=0, running=0, failed=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.update()
        self._progress.stop()

    def tell(self, text: str) -> None:
        """One line above the bar."""
        click.echo(text, err=True)

    def update(self) -> None:
        """Show how far it is."""
        replay, counters = self._replay, self._replay.counters
        handled, failed = replay.summary.handled, counters.failed + counters.errant
        total = handled + replay.left
        if self._is_plain and total and self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + _PLAIN_INTERVAL
            records = f"{counters.delivered} records delivered, {failed} failed again"
            self.tell(f"{handled}/{total} reports, {records}")
        self._progress.update(
            self._task,
            completed=handled,
            total=total,
            delivered=counters.delivered,
            running=replay.running,
            failed=failed,
        )


def show_plan(console: Console, replay: Replay, items: Sequence[ReplayItem]) -> None:
    """The table of what would be replayed."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, is_number in (
        ("topic", False), ("partition", True), ("offsets", True), ("records", True), ("error type", False),
        ("when", False),
    ):  # fmt: skip
        table.add_column(name, overflow="fold", justify="right" if is_number else "left")
    for item in items[:_MOST_ROWS]:
        cells = (item.tp.topic, item.tp.partition, _offsets(item.start, item.end), item.end - item.start)
        table.add_row(*(Text(str(cell)) for cell in (*cells, item.error_type, _when(item.written))))
    console.print(table)
    if len(items) > _MOST_ROWS:
        click.echo(f"… and {len(items) - _MOST_ROWS} more: --json has them all.")
    records = sum(item.end - item.start for item in items)
    click.echo(f"{_count(len(items), 'report')} of {replay.source.topic}, {_count(records, 'record')} at most.")
    click.echo("\n".join(_left_out(replay.summary)))


def show_summary(replay: Replay) -> None:
    """What became of what was replayed."""
    summary, counters = replay.summary, replay.counters
    failed, failed_records = summary.failed + summary.kept, counters.failed + counters.errant
    done = f"{summary.delivered} delivered, {failed} failed again"
    records = f"{counters.delivered} delivered, {counters.filtered} filtered out, {failed_records} failed again"
    lines = [f"Reports of {replay.source.topic}: {done}.", f"Records: {records}."]
    if summary.kept:
        lines.append(f"{_count(summary.kept, 'report')} that failed again stay: there is no topic for new ones.")
    if summary.gone:
        lines.append(f"{_count(len(summary.gone), 'report')} of records that are gone:")
        lines += [f"  {_gone(outcome)}" for outcome in summary.gone[:_MOST_GONE]]
        if len(summary.gone) > _MOST_GONE:
            lines.append(f"  … and {len(summary.gone) - _MOST_GONE} more")
    lines += _left_out(summary)
    if not summary.has_room:
        lines.append("There was no room to write down all that is done: some of it is replayed again by the next run.")
    if not summary.is_finished:
        lines.append("Ended before the end: the next run goes on.")
    click.echo("\n".join(lines))


def plan_document(replay: Replay, items: Sequence[ReplayItem]) -> str:
    """As JSON."""
    return _json(
        {
            "topic": replay.source.topic,
            "group": replay.source.group_id,
            "reports": [_item(item) for item in items],
            "left_out": _counts(replay.summary),
        }
    )


def summary_document(replay: Replay) -> str:
    """As JSON. Counts are of reports, but for `records`."""
    summary, counters = replay.summary, replay.counters
    gone = [
        {
            "topic": outcome.range.tp.topic,
            "partition": outcome.range.tp.partition,
            "start_offset": outcome.range.start,
            "end_offset": outcome.range.end,
            "why": _why(outcome),
        }
        for outcome in summary.gone
    ]
    return _json(
        {
            "topic": replay.source.topic,
            "group": replay.source.group_id,
            "finished": summary.is_finished,
            "delivered": summary.delivered,
            "failed_again": summary.failed + summary.kept,
            "kept": summary.kept,
            "gone": gone,
            "left_out": _counts(summary),
            "records": {
                "delivered": counters.delivered,
                "filtered": counters.filtered,
                "failed_again": counters.failed + counters.errant,
            },
        }
    )


def _item(item: ReplayItem) -> dict[str, Any]:
    return {
        "topic": item.tp.topic,
        "partition": item.tp.partition,
        "start_offset": item.start,
        "end_offset": item.end,
        "error_type": item.error_type,
        "written": _when(item.written),
        "report": {"partition": item.place.partition, "offset": item.place.offset},
    }


def _counts(summary: ReplaySummary) -> dict[str, int]:
    reports = summary.reports
    return {
        "by_options": reports.unselected,
        "done_before": reports.done,
        "of_other_connectors": reports.foreign,
        "unreadable": reports.unreadable,
    }


def _left_out(summary: ReplaySummary) -> Iterable[str]:
    reports = summary.reports
    for count, why in (
        (reports.unselected, "left out by the options"),
        (reports.foreign, "of topics that this connector does not read, or of another connector"),
        (reports.unreadable, "that cannot be understood"),
    ):
        if count:
            yield f"{_count(count, 'report')} {why}."


def _gone(outcome: RangeOutcome) -> str:
    own = outcome.range
    return f"{own.tp} {_offsets(own.start, own.end)}: {_why(outcome)}"


def _why(outcome: RangeOutcome) -> str:
    if outcome.absence is not None:
        return outcome.absence.value
    return f"{_count(outcome.cut, 'offset')} deleted from the source topic; the rest was delivered again"


def _offsets(start: int, end: int) -> str:
    return str(start) if start == end - 1 else f"{start}-{end - 1}"


def _when(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
