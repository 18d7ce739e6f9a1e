"""What the demo shows: progress while it runs, then the account."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from kafka_lambda_sink.cli.demo.accounting import Account, Failure
from kafka_lambda_sink.pipeline.counters import Counters

#: Rows of a list that are shown.
_MOST_ROWS: Final = 12
_WIDEST_REASON: Final = 100


class ProgressView:
    """One line that grows: records, batches, in flight, errors. A context manager."""

    def __init__(self, console: Console, total: int) -> None:
        self._progress = Progress(
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("records"),
            TextColumn("[cyan]{task.fields[batches]} batches"),
            TextColumn("[yellow]{task.fields[in_flight]} in flight"),
            TextColumn("[red]{task.fields[errors]} failed"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("", total=total, batches=0, in_flight=0, errors=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, counters: Counters, in_flight: int) -> None:
        """Show these counts."""
        failed = counters.failed + counters.errant
        self._progress.update(
            self._task,
            completed=counters.delivered + failed,
            batches=counters.batches,
            in_flight=in_flight,
            errors=failed,
        )


def show_introduction(console: Console, rows: Sequence[tuple[str, str]]) -> None:
    """What the demo runs on: names and texts, below each other."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    for name, text in rows:
        grid.add_row(Text(name, "bold"), Text(text))
    console.print(grid, highlight=False)


def show_account(console: Console, account: Account, delivered: int) -> None:
    """The tables, and one sentence that says whether every record is accounted for."""
    console.print(_totals(account, delivered))
    if account.failures:
        console.print(_failures("Failed batches, read back from orders-errors", account.failures))
    if account.dead_letters:
        console.print(_failures("Records that are no JSON, read back from orders-dead-letters", account.dead_letters))
    for what, found in (
        ("in no topic", account.missing),
        ("in a topic and never produced", account.strangers),
    ):
        if found:
            shown = ", ".join(f"{partition}@{offset}" for partition, offset in found[:_MOST_ROWS])
            more = f" and {len(found) - _MOST_ROWS} more" if len(found) > _MOST_ROWS else ""
            console.print(f"[red]{len(found)} records {what} (partition@offset): {shown}{more}")
    for partition, offset in account.uncommitted.items():
        console.print(f"[red]partition {partition}: offset {offset} is not committed")
    if account.is_complete:
        console.print("[green]Every record is accounted for.")


def _totals(account: Account, delivered: int) -> Table:
    table = Table(title="Where the records went", title_justify="left", show_header=False, box=box.SIMPLE)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    rows = (
        ("produced", account.produced, "to the topic orders"),
        ("delivered", delivered, "the function answered"),
        ("results", account.results, "read back from orders-results"),
        ("failed", account.failed, f"in {len(account.failures)} batches, read back from orders-errors"),
        ("not converted", len(account.dead_letters), "read back from orders-dead-letters"),
        ("missing", len(account.missing), "produced, and found nowhere"),
    )
    for name, count, meaning in rows:
        table.add_row(name, f"{count:,}", meaning)
    if account.repeated:
        table.add_row("more than once", f"{len(account.repeated):,}", "at least once allows it")
    return table


def _failures(title: str, failures: Sequence[Failure]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("partition", justify="right")
    table.add_column("offsets", justify="right")
    table.add_column("reason", overflow="fold")
    for failure in sorted(failures)[:_MOST_ROWS]:
        last = failure.end - 1
        offsets = str(failure.first) if last == failure.first else f"{failure.first}-{last}"
        table.add_row(str(failure.partition), offsets, Text(_cut(failure.reason)))
    if len(failures) > _MOST_ROWS:
        table.add_row("", "", f"… and {len(failures) - _MOST_ROWS} more")
    return table


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST_REASON else f"{text[: _WIDEST_REASON - 1]}…"
