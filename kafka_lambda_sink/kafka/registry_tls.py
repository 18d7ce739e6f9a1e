"""Certificates for the registry's client, which takes files only."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FILES: Final = ("ssl.ca", "ssl.certificate", "ssl.key")


@contextmanager
def client_tls(ssl: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The client's properties for `ssl`, with PEM texts in files that only we may read and that end with the context.

    Raises ValueError for a property that has no counterpart.
    """
    known = {f"{name}.{form}" for name in _FILES for form in ("pem", "location")} | {"ssl.key.password"}
    unknown = sorted(ssl.keys() - known)
    if unknown:
        raise ValueError(f"{unknown[0]} has no counterpart for a schema registry")
    with tempfile.TemporaryDirectory(prefix="kls-registry-") as directory:
        properties = {key: value for key, value in ssl.items() if not key.endswith(".pem")}
        for name in _FILES:
            text = ssl.get(f"{name}.pem")
            if text is not None:
                path = Path(directory, f"{name}.pem")
                path.write_text(text)
                properties[f"{name}.location"] = str(path)
        yield properties
