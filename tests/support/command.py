"""The command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})


def environment(extra: Mapping[str, str] = _NONE) -> dict[str, str]:
    """This process's own, without what would change a connector: settings of AWS, of ours, and proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "KLS_")) and not name.lower().endswith("_proxy")
    }
    # No look-up of credentials on the network, and tables as wide as they want.
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "200", **extra}


def arguments(*words: str | Path) -> list[str]:
    """The command and its words."""
    return [sys.executable, "-m", "kafka_lambda_sink", *map(str, words)]


def run(
    *words: str | Path, env: Mapping[str, str] = _NONE, stdin: str = "", timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        arguments(*words),
        env=environment(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
