"""`bootstrap.servers`: Java takes a listener name before each address, librdkafka does not."""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"(?:(?P<protocol>[A-Za-z0-9_]+)://)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})"
)
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_HIGHEST_PORT = 65535


def _addresses(value: str) -> list[re.Match[str]]:
    found = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        match = _ADDRESS.fullmatch(part)
        if match is None or int(match["port"]) > _HIGHEST_PORT:
            raise ValueError(f"`{part}` is not host:port")
        found.append(match)
    if not found:
        raise ValueError("no broker is named")
    return found


def normal_bootstrap_servers(value: str) -> str:
    """`SASL_SSL://a:1, b:2` → `a:1,b:2`. Raises ValueError."""
    return ",".join(f"{match['host']}:{match['port']}" for match in _addresses(value))


def listener_protocol(value: str) -> str | None:
    """The security protocol written before the addresses, or None. Raises ValueError when they differ."""
    protocols = {match["protocol"].upper() for match in _addresses(value) if match["protocol"]}
    known = protocols.intersection(_PROTOCOLS)
    if len(known) > 1:
        raise ValueError(f"addresses name different protocols: {', '.join(sorted(known))}")
    return known.pop() if known else None
