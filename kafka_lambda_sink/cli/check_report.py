"""What `check` found, as data: the exit code and the JSON document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kafka_lambda_sink.config.settings import IgnoredKey, UsedKey
from kafka_lambda_sink.connector.findings import Finding, Status
from kafka_lambda_sink.worker.exit_codes import ExitCode, exit_code, worst


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that one check has to say."""

    findings: Sequence[Finding]
    used: Sequence[UsedKey] = ()
    ignored: Sequence[IgnoredKey] = ()

    @property
    def exit_code(self) -> ExitCode:
        """How a start would end: 2, 3 or 1 (in this order where several apply), or 0."""
        return worst(exit_code(finding.error) for finding in self.findings)

    def count(self, status: Status) -> int:
        """How many findings are so."""
        return sum(finding.status is status for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The document of `--output json`. Names of checks and error ids are stable; messages are not."""
        return {
            "status": "failed" if self.count(Status.FAILED) else "ok",
            "exit_code": int(self.exit_code),
            "findings": [
                {
                    "check": finding.check,
                    "subject": finding.subject,
                    "status": str(finding.status),
                    "error_id": finding.error_id,
                    "message": finding.message,
                    "hint": finding.hint,
                    "source": finding.source,
                    "line": finding.line,
                }
                for finding in self.findings
            ],
            "used": [{"key": key.key, "source": key.source, "line": key.line} for key in self.used],
            "ignored": [
                {"key": key.key, "reason": key.reason, "source": key.source, "line": key.line} for key in self.ignored
            ],
        }
