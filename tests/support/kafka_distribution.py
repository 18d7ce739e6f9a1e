"""The jars of Apache Kafka and the class-data archive that cuts a broker's start from 12 to 3 seconds."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


@cache
def class_path() -> str:
    """The jars, fetched on first use. Sorted, not a wildcard: an archive is valid for one class path only."""
    command = [str(_ROOT / "scripts" / "fetch-kafka")]
    libs = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    return os.pathsep.join(str(jar) for jar in sorted(libs.glob("*.jar")))


@cache
def archive() -> Path:
    """Where the archive for this class path and this Java belongs; it may not exist yet."""
    version = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True).stderr
    name = hashlib.sha256(f"{version}{class_path()}".encode()).hexdigest()[:16]
    return Path(class_path().split(os.pathsep)[0]).parent.parent / f"classes-{name}.jsa"


@contextlib.contextmanager
def archive_lock() -> Iterator[None]:
    """One process at a time makes the archive; the others wait for it."""
    with archive().with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def java(options: Sequence[str], main: str, arguments: Sequence[str]) -> list[str]:
    """The command line of one of Kafka's main classes."""
    sharing = [f"-XX:SharedArchiveFile={archive()}"] if archive().exists() else []
    # A broker must not outlive a test run that was killed.
    tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    light = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr"]
    return [*tied, "java", *light, *sharing, *options, "-cp", class_path(), main, *arguments]
