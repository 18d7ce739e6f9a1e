"""URLs of the Lambda endpoint and of proxies."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def checked_url(url: str | None) -> str | None:
    """The same. Raises ValueError for what is no http(s) URL of a host; the message never shows the URL."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not a URL that starts with https:// or http:// and names a host")
    if parts.query or parts.fragment:
        raise ValueError("a URL of a host must not have a query or a fragment")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port of the URL is not a number up to 65535") from None
    return url


def is_plain_http_beyond_loopback(url: str) -> bool:
    """Whether requests to `url` would cross the network unencrypted."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def has_credentials(url: str) -> bool:
    """Whether the URL has a user name or password in it, which logs would show."""
    return "@" in urlsplit(url).netloc
