"""URLs of the Lambda endpoint and of proxies."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

#: Instance metadata, EKS pod identity and their like: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html.
_METADATA_V6: Final = ipaddress.ip_network("fd00:ec2::/32")


def checked_url(url: str | None) -> str | None:
    """The same. Raises ValueError for what is no http(s) URL of a host; the message never shows the URL."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not a URL that starts with https:// or http:// and names a host")
    if parts.query or parts.fragment:
        raise ValueError("a URL of a host must not have a query or a fragment")
    if _is_metadata_address(parts.hostname):
        raise ValueError("an address of a cloud's metadata service, or beside it, is neither an endpoint nor a proxy")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port of the URL is not a number up to 65535") from None
    return url


def _is_metadata_address(host: str) -> bool:
    """Whether a request to `host` could fetch credentials: link-local (169.254.0.0/16, fe80::/10), AWS's in IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_link_local or address in _METADATA_V6


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
