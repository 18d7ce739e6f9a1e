"""A real schema registry for tests: Apicurio with Confluent's interface, in memory, a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.waiting import wait_until

_ROOT = Path(__file__).resolve().parents[2]
_START_TIMEOUT = 90.0
_LISTENING = re.compile(r"Listening on: (?P<url>http://127\.0\.0\.1:\d+)")


class ApicurioRegistry:
    """One registry process. `with` starts and kills it."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="registry-"))
        self._process: subprocess.Popen[bytes] | None = None
        #: Address for `schema.registry.url`.
        self.url = ""

    def __enter__(self) -> Self:
        """Start; returns when it answers."""
        fetch = [str(_ROOT / "scripts" / "fetch-registry")]
        jar = subprocess.run(fetch, check=True, capture_output=True, text=True).stdout.strip()
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        light = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        # Port 0: the log says which it got, so that nobody else's listener can be taken for it.
        place = {"QUARKUS_HTTP_PORT": "0", "QUARKUS_HTTP_HOST": "127.0.0.1"}
        with (self._directory / "registry.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*tied, "java", *light, "-jar", jar],
                env=os.environ | place,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.url = f"{wait_until(self._listens, _START_TIMEOUT, what='the registry listens')}/apis/ccompat/v7"
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the process, remove its directory."""
        self.close()

    def close(self) -> None:
        """Kill the process if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def register(
        self,
        subject: str,
        schema: object,
        *,
        kind: str = "AVRO",
        references: Sequence[tuple[str, str, int]] = (),
    ) -> int:
        """Register a schema (text, or what `json` writes); its id. `references` are (name, subject, version)."""
        body = {
            "schema": schema if isinstance(schema, str) else json.dumps(schema),
            "schemaType": kind,
            "references": [{"name": name, "subject": to, "version": version} for name, to, version in references],
        }
        return int(self._ask(f"/subjects/{subject}/versions", body)["id"])

    def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(
            self.url + path,
            json.dumps(body).encode(),
            headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def _listens(self) -> str | None:
        assert self._process is not None
        log = (self._directory / "registry.log").read_text(errors="replace")
        if self._process.poll() is not None:
            raise RuntimeError(f"the registry ended with {self._process.returncode}:\n{log[-4000:]}")
        match = _LISTENING.search(log)
        return match["url"] if match else None
