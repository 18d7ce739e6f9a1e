"""Transforms of the user's own: Python packages that register one under the group `kafka_lambda_sink.transforms`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Final

from kafka_lambda_sink.core.sink_record import Transform

GROUP: Final = "kafka_lambda_sink.transforms"


def load_transform(name: str) -> Callable[[Mapping[str, str]], Transform] | None:
    """What is registered under a name, or None: it makes a transform of the texts below `transforms.NAME.`.

    It is called once to check the configuration and then once for each partition, so that the transform may keep a
    state of its own; it raises ValueError for what it cannot work with. Raises ValueError where several packages have
    registered the name; whatever loading the package raises is passed on.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        return None
    if len({one.value for one in found}) > 1:
        raise ValueError(f"several packages have registered it: {', '.join(sorted(one.value for one in found))}")
    loaded: Callable[[Mapping[str, str]], Transform] = next(iter(found)).load()
    return loaded
