"""`kafka-lambda-sink migrate`: from the file of another connector to one of ours."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.migration.dialects import Candidate, candidates
from kafka_lambda_sink.migration.migration import Migration, MigrationError
from kafka_lambda_sink.migration.properties_text import properties_text
from kafka_lambda_sink.worker.exit_codes import ExitCode

#: Of a file that may have passwords in it.
_PRIVATE = 0o600


def migrate(
    file: Path,
    *,
    out: Path | None,
    group: str | None,
    only: str | None,
    answers: Mapping[str, str],
    is_json: bool,
) -> ExitCode:
    """Read, map, write, report. CONFIGURATION for a file that cannot be migrated, and where `out` is there already."""
    try:
        found = _chosen(candidates(file.name, _read(file)), only)
        migration = found.migrate(answers, group)
        text = properties_text(migration, file.name)
        if out is not None:
            _write(out, text)
    except MigrationError as error:
        show_failure(error)
        return ExitCode.CONFIGURATION
    if is_json:
        click.echo(json.dumps(_document(migration, text), indent=2, ensure_ascii=False))
        return ExitCode.OK
    if out is None:
        click.echo(text, nl=False)
    _show(Console(stderr=True), migration)
    return ExitCode.OK


def _read(file: Path) -> str:
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def _chosen(found: list[Candidate], only: str | None) -> Candidate:
    titles = ", ".join(candidate.title for candidate in found)
    chosen = found if only is None else [candidate for candidate in found if candidate.title == only]
    if not chosen:
        raise MigrationError(f"there is no {only} in it, but {titles}")
    if len(chosen) > 1:
        raise MigrationError(
            f"there are several in it: {titles}", hint="Say which one with --only, one after the other."
        )
    return chosen[0]


def _write(out: Path, text: str) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise MigrationError(f"{out} is there already", hint="Move it away, or choose another --out.") from None
    except OSError as error:
        raise MigrationError(f"{out} cannot be written: {error.strerror}") from None


def _document(migration: Migration, text: str) -> dict[str, Any]:
    return {
        "dialect": migration.dialect,
        "properties": text,
        "mapped": [{"theirs": mapped.theirs, "ours": mapped.ours} for mapped in migration.mapped],
        "dropped": [{"theirs": dropped.theirs, "why": dropped.why} for dropped in migration.dropped],
        "needs_a_decision": [
            {"about": each.about, "question": each.question, "proposals": [list(pair) for pair in each.proposals]}
            for each in migration.decisions
        ],
    }


def _show(console: Console, migration: Migration) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=migration.dialect, title_justify="left")
    for name in ("", "theirs", "ours, or why not"):
        table.add_column(name, overflow="fold")
    for mapped in migration.mapped:
        table.add_row(Text("mapped", "green"), Text(mapped.theirs), Text(mapped.ours))
    for dropped in migration.dropped:
        table.add_row(Text("dropped", "dim"), Text(dropped.theirs), Text(dropped.why))
    for decision in migration.decisions:
        proposals = "".join(f"\n{key}" for key in dict(decision.proposals))
        question = Text(decision.question).append(proposals, "cyan")
        table.add_row(Text("needs a decision", "yellow"), Text(decision.about), question)
    console.print(table)
    console.print(
        f"{len(migration.mapped)} mapped, {len(migration.dropped)} dropped, "
        f"{len(migration.decisions)} need a decision: they stand at the end of the file",
        style="bold",
    )
