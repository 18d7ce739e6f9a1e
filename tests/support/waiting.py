"""Waiting for a condition with a deadline: what tests do instead of sleeping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], timeout: float = 10.0, *, what: str = "", every: float = 0.02) -> T:
    """The first truthy result of `condition`; AssertionError when none came within `timeout` seconds."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout  # noqa: TID251 - the one clock of waiting tests
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:  # noqa: TID251 - as above
            raise AssertionError(f"not within {timeout} s: {what or condition}")
        pause.wait(every)
