"""The stable names of what can be wrong with a configuration or with what it names."""

from __future__ import annotations

from typing import Literal, TypeAlias

#: `docs/errors.md` explains each; `check --output json` and log lines of a start have them as `error_id`.
ProblemId: TypeAlias = Literal[
    # The files.
    "unreadable-file",
    "invalid-json",
    "invalid-escape",
    "duplicate-key",
    "unresolved-reference",
    # Keys and values.
    "unknown-key",
    "missing-key",
    "invalid-value",
    "conflict",
    "refused-key",
    "not-built-yet",
    "no-effect",
    "unknown-connector",
    "unknown-class",
    "default-converter",
    "value-cut",
    "weak-security",
    # Clients.
    "client-configuration",
    "conflicting-keys",
    "msk-iam",
    # What the configuration names.
    "missing-function",
    "topic-loop",
    "missing-source-topic",
    "missing-report-topic",
    "many-sockets",
    "short-socket-timeout",
    "function-timeout-unknown",
    "unknown-region",
    # `local` and `demo`.
    "invalid-handler",
    "missing-runtime-client",
]
