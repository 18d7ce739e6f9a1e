"""Any peer as a process, in any cell."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from string import Template

from benchmarks import benthos_build
from benchmarks.cell import Cell, Peer
from benchmarks.peer_process import _FOREIGN, PeerProcess, Workplace, _loop_command, _sink_command

_PIPELINE = Path(__file__).with_name("benthos") / "pipeline.yaml"


class LaunchedPeer(PeerProcess):
    """One run of a peer. `with` kills what is left of it. Raises NotBuilt where it is Benthos and cannot be had."""

    def __init__(self, peer: Peer, cell: Cell, place: Workplace) -> None:
        self._log_file = place.directory / f"{place.name}.log"
        #: The consumer group that it commits for.
        self.group = f"connect-{place.name}" if peer == "sink" else place.name
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        command = _command(peer, cell, place)
        if cell.core is not None:
            command = ["taskset", "--cpu-list", str(cell.core), *command]
        #: When it was started, by the machine's monotonic clock.
        self.started = time.perf_counter()
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(place.directory)},
            )


def _command(peer: Peer, cell: Cell, place: Workplace) -> list[str]:
    if peer == "benthos":
        return [str(benthos_build.built()), "-c", str(_pipeline(cell, place))]
    if peer == "sink":
        command = _sink_command(cell, place)
        with Path(command[-1]).open("a") as config:
            config.write(cell.extra)
        return [sys.executable, *command]
    return [sys.executable, *_loop_command(cell, place), *(["--unsigned"] if peer == "unsigned" else [])]


def _pipeline(cell: Cell, place: Workplace) -> Path:
    text = Template(_PIPELINE.read_text()).substitute(
        bootstrap=place.bootstrap, topic=place.topic, group=place.name, batch=cell.batch, url=place.url
    )
    written = place.directory / f"{place.name}.yaml"
    written.write_text(text)
    return written
