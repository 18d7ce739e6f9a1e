"""How an invocation reaches the endpoint: proxy, trusted CAs, time to connect."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import certifi
from botocore.session import Session
from botocore.utils import get_environ_proxies

from kafka_lambda_sink.aws_lambda.session import LambdaSettings, proxy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What libcurl is told about the way; botocore works the same out for itself."""

    #: Proxy URL with user and password, or None for a direct connection. A secret.
    proxy: str | None = field(repr=False)
    #: File or directory of trusted CAs, PEM.
    ca_bundle: Path
    #: Seconds.
    connect_timeout: float

    @property
    def proxy_host(self) -> str | None:
        """The proxy without user and password, for logs."""
        if self.proxy is None:
            return None
        parts = urlsplit(self.proxy)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def connection_to(url: str, settings: LambdaSettings, session: Session) -> Connection:
    """The way to `url`.

    The configured proxy serves every host; else the environment's HTTPS_PROXY or HTTP_PROXY does, but for the hosts of
    NO_PROXY. CAs: AWS_CA_BUNDLE or `ca_bundle` of the profile, else certifi's.
    """
    proxy = proxy_of(settings)
    if proxy is None:
        proxy = get_environ_proxies(url).get(urlsplit(url).scheme)
    return Connection(
        proxy=proxy,
        ca_bundle=Path(session.get_config_variable("ca_bundle") or certifi.where()).expanduser(),
        connect_timeout=settings.connect_timeout,
    )
