"""The pipeline of one partition: fetch, convert, batch, invoke, judge, report. One thread runs its loop."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kafka_lambda_sink.core.errors import (
    InvocationAborted,
    KafkaLambdaSinkError,
    OffsetOutOfRangeError,
    PartitionStopped,
    RetriableKafkaError,
    UnknownTopicError,
)
from kafka_lambda_sink.core.ports import Fetcher, FetcherRetired, Position
from kafka_lambda_sink.core.start import OffsetReset, Start
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.deliverer import Deliverer
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: Seconds a fetch waits for a first record, where a thread has nothing else to do.
IDLE: Final = 0.5
#: Seconds a fetch waits for more records after the first when `aws.lambda.batch.window.ms` is 0: full batches at no
#: latency that matters (measured: a window of nothing halves the batches of a fast topic).
_LEAST_WINDOW: Final = 0.002
#: Records of a fetch, at least, where only some of them may be wanted: batches are made of what is left.
_SIFTED: Final = 500
#: Records of a fetch where each is a batch by itself: no window to wait for, and a fetch costs half an invocation.
_SINGLES: Final = 32
#: Seconds until the broker is asked again.
_RETRY_DELAY: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSettings:
    """What a pipeline needs of the configuration. Times in seconds."""

    batch_size: int
    batch_window: float
    #: How long a fetch waits for a first record; a drain need not wait for it (`PartitionProgress.begin`).
    idle: float = IDLE
    #: Whether filters or transforms may drop records.
    may_drop: bool = False
    offset_reset: OffsetReset


class PartitionPipeline:
    """Delivers one partition, in order, one invocation at a time, for one assignment epoch."""

    def __init__(
        self,
        *,
        progress: PartitionProgress,
        start: Position | Start,
        open_fetcher: Callable[[], Fetcher],
        deliverer: Deliverer,
        settings: PartitionSettings,
        alarms: Alarms,
    ) -> None:
        self.progress = progress
        self._start_from = start
        self._open_fetcher = open_fetcher
        self._deliverer = deliverer
        self._settings = settings
        self._alarms = alarms
        self._fetcher: Fetcher | None = None
        #: Where the fetcher was told to begin; None before it was.
        self._begun_at: Position | None = None
        #: The position is not in the log, and no new one is found yet.
        self._out_of_range: OffsetOutOfRangeError | None = None
        self._halt = threading.Event()
        is_single = settings.batch_size == 1
        self._fetch_size = _SINGLES if is_single else settings.batch_size
        if settings.may_drop:
            self._fetch_size = max(self._fetch_size, _SIFTED)
        self._window = 0.0 if is_single else max(settings.batch_window, _LEAST_WINDOW)
        self._thread = threading.Thread(target=self.run, name=f"partition {progress.tp}", daemon=True)

    # --- the coordinator's thread ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin on a thread of its own."""
        self._thread.start()

    def drain(self) -> None:
        """Take no more; give up waiting for a next attempt. Does not block."""
        self.progress.drain()
        self._deliverer.halt()
        self._end_waits()

    def abandon(self) -> None:
        """Kill the epoch and a call in flight. Does not block."""
        self.progress.abandon()
        self._deliverer.abort()
        self._end_waits()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; whether it ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _end_waits(self) -> None:
        self._halt.set()
        fetcher = self._fetcher
        if fetcher is not None:
            fetcher.interrupt()

    # --- the pipeline's own thread -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Step until the epoch ends or the partition stops."""
        while self.turn():
            pass

    def turn(self) -> bool:
        """One step; False when it was the last: the epoch has ended, or the partition stopped, and all is closed."""
        try:
            if self.progress.is_open:
                self.step()
                return True
        except InvocationAborted:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it stops this partition and is shown as its state
            self._alarms.partition_stopped(self.progress.tp, error)
            self.progress.fail(error)
        self.progress.end()
        self._deliverer.close()
        if self._fetcher is not None:
            with contextlib.suppress(KafkaLambdaSinkError):
                self._fetcher.close()
        return False

    @property
    def is_seeking(self) -> bool:
        """Whether the next step looks for where to read, whatever there is to read."""
        return self._out_of_range is not None or self.progress.state is PipelineState.STARTING

    def step(self) -> None:
        """Find the start, or fetch and deliver once. Blocks for a fetch and for the invocations it leads to.

        Raises what stops the partition; InvocationAborted when its epoch ended in the middle.
        """
        try:
            if self._fetcher is None:
                self._fetcher = self._open()
            if self.progress.state is PipelineState.STARTING:
                self._begin(self._fetcher)
                return
            if self._out_of_range is not None:
                self._reset(self._fetcher, self._out_of_range)
                return
            records = self._fetcher.fetch(self._fetch_size, self._settings.idle, self._window)
        except FetcherRetired:
            assert self._fetcher is not None
            self._move(self._fetcher)
            return
        except OffsetOutOfRangeError as error:
            # Looked for by the next step: the broker may fail to answer that question too.
            self._out_of_range = error
            return
        except (RetriableKafkaError, UnknownTopicError) as error:
            self._alarms.fetch_failed(self.progress.tp, error)
            self.progress.retrying()
            self._halt.wait(_RETRY_DELAY)
            self.progress.retrying(is_over=True)
            return
        if records:
            self._deliverer.deliver(records)
        elif self.progress.is_quiet:
            self.progress.rest_at(self._fetcher.position())

    def _open(self) -> Fetcher:
        fetcher = self._open_fetcher()
        if self._begun_at is not None:
            fetcher.assign(self._begun_at)
        return fetcher

    def _assign(self, fetcher: Fetcher, start: Position) -> None:
        fetcher.assign(start)
        self._begun_at = start

    def _move(self, fetcher: Fetcher) -> None:
        """Read on by another fetcher: behind what this one has read, or where it was to begin.

        Not where the offset stands: what is delivered and not reported yet would be read again.
        """
        self._begun_at = fetcher.position() or self._begun_at
        self._fetcher = None
        fetcher.close()

    def _begin(self, fetcher: Fetcher) -> None:
        start = self._start_from
        if isinstance(start, Position):
            self._assign(fetcher, start)
            self.progress.start_at(start, commit_now=False)
            return
        if start is Start.FROM_RESET and self._settings.offset_reset is OffsetReset.ERROR:
            raise PartitionStopped(
                f"{self.progress.tp}: no committed offset, and auto.offset.reset=error",
                hint="Reset the group's offsets, or set auto.offset.reset to earliest or latest.",
            )
        is_latest = start is Start.FROM_RESET and self._settings.offset_reset is OffsetReset.LATEST
        self._restart(fetcher, is_latest=is_latest)
        _log.info("starting", partition=str(self.progress.tp), reason=start.value)

    def _reset(self, fetcher: Fetcher, error: OffsetOutOfRangeError) -> None:
        """The position is not in the log: retention overtook us, or the log was truncated."""
        if self._settings.offset_reset is OffsetReset.ERROR:
            raise PartitionStopped(f"{self.progress.tp}: {error}, and auto.offset.reset=error", hint=error.hint)
        # What is not reported yet would be passed over by the new start.
        if not self.progress.wait_for_room(1):
            return
        before = self.progress.committable
        after = self._restart(
            fetcher, is_latest=self._settings.offset_reset is OffsetReset.LATEST, diverged_at=error.diverged_at
        )
        self._out_of_range = None
        self._alarms.out_of_range(
            self.progress.tp, before.offset if before else None, after, is_truncated=error.diverged_at is not None
        )

    def _restart(self, fetcher: Fetcher, *, is_latest: bool, diverged_at: int | None = None) -> int:
        # Where the log diverges is known exactly: neither `earliest` nor `latest` could do better (as the Java client).
        offset = diverged_at
        if offset is None:
            offset = fetcher.latest() if is_latest else fetcher.earliest()
        self._assign(fetcher, Position(offset))
        self.progress.start_at(Position(offset), commit_now=True)
        return offset
