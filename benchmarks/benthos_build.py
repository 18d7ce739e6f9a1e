"""Benthos as a binary: built once from its Go module, kept in .cache/."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

_SOURCES = Path(__file__).with_name("benthos")
_CACHE = Path(__file__).resolve().parents[1] / ".cache" / "benthos"
_BUILD_TIMEOUT = 1800.0


class NotBuilt(Exception):
    """Benthos cannot take part; the text says why."""


def version() -> str:
    """Of the module, as go.mod has it: `v4.27.0`."""
    lines = (_SOURCES / "go.mod").read_text().splitlines()
    return next(line.split()[-1] for line in lines if "benthosdev/benthos/v4 " in line)


def built() -> Path:
    """The binary; the first call takes minutes. Raises NotBuilt where there is no Go, or the build failed."""
    sources = b"".join((_SOURCES / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    binary = _CACHE / f"benthos-{hashlib.sha256(sources).hexdigest()[:16]}"
    if binary.exists():
        return binary
    if not shutil.which("go"):
        raise NotBuilt("Go is not installed")
    _CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = binary.with_suffix(".part")
    command = ["go", "build", "-ldflags", "-s -w", "-o", str(unfinished), "."]
    build = subprocess.run(command, cwd=_SOURCES, capture_output=True, text=True, timeout=_BUILD_TIMEOUT, check=False)
    if build.returncode:
        raise NotBuilt(f"go build failed: {build.stderr[-500:]}")
    return unfinished.rename(binary)
