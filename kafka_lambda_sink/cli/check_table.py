"""What `check` found, as tables on a terminal."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kafka_lambda_sink.cli.check_report import CheckReport
from kafka_lambda_sink.connector.findings import Finding, Status

_MARKS: Final = {
    Status.OK: Text("ok", "green"),
    Status.WARNING: Text("warn", "yellow"),
    Status.FAILED: Text("FAIL", "bold red"),
    Status.SKIPPED: Text("-", "dim"),
}


def show_report(console: Console, report: CheckReport) -> None:
    """A row for each finding with its hint, the keys that are ignored, and one sentence."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "check", "what", "result"):
        table.add_column(name, overflow="fold")
    for finding in report.findings:
        table.add_row(_MARKS[finding.status], finding.check, _subject(finding), _result(finding))
    console.print(table)
    if report.ignored:
        ignored = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Ignored keys", title_justify="left")
        for name in ("key", "where", "why"):
            ignored.add_column(name, overflow="fold")
        for key in report.ignored:
            ignored.add_row(Text(key.key), _place(key.source, key.line), Text(key.reason))
        console.print(ignored)
    failed, warnings = report.count(Status.FAILED), report.count(Status.WARNING)
    verdict = f"{failed} failed" if failed else "ready to run" if not report.count(Status.SKIPPED) else "nothing failed"
    console.print(
        f"{verdict}, {warnings} warning{'' if warnings == 1 else 's'}", style="bold red" if failed else "bold"
    )


def _subject(finding: Finding) -> Text:
    place = _place(finding.source, finding.line)
    return Text(f"{finding.subject}\n{place}" if finding.source else finding.subject)


def _result(finding: Finding) -> Text:
    text = Text(finding.message)
    if finding.hint:
        text.append(f"\nhint: {finding.hint}", "cyan")
    return text


def _place(source: str | None, line: int | None) -> str:
    return f"{source}:{line}" if line else source or ""
