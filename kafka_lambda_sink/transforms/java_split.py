"""Texts cut as Java's `String.split` cuts them."""

from __future__ import annotations


def split_pair(text: str) -> list[str]:
    """The parts between colons; empty ones at the end are dropped, so that `a:b:` are two and `:` is none."""
    parts = text.split(":")
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts if text.strip(":") or not text else []
