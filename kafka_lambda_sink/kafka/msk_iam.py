"""Tokens for Amazon MSK's IAM authentication, by AWS's own signer where that is installed.

Source: https://github.com/aws/aws-msk-iam-sasl-signer-python
"""

from __future__ import annotations

import importlib
import os
import re
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from kafka_lambda_sink.core.errors import ConfigError, Problem, RetriableKafkaError
from kafka_lambda_sink.telemetry.logs import get_logger

#: Not a property of librdkafka: it is taken out, and the token callback set instead.
MSK_IAM: Final = "kls.sasl.aws.msk.iam"
_REGION: Final = re.compile(r"\.kafka(?:-serverless)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?::\d+)?(?:,|$)")
#: Part of a token's life in which every client gets the same one. A client comes for the next when 80 % of what was
#: left of its own is over, which is later: it never gets the one it has.
_SHARED: Final = 0.5
#: Seconds until a signer that failed is asked again. As many clients as there are partitions ask every ten seconds.
_RETRY_DELAY: Final = 5.0
#: Seconds between two lines about a signer that fails.
_QUIET_SECONDS: Final = 60.0
_HINT: Final = (
    "AWS's signer takes the SDK's own chain: check AWS_PROFILE, AWS_ROLE_ARN, or the machine's or pod's role."
)

_log = get_logger(__name__)

#: A token and when it expires, in seconds since the epoch.
Token = tuple[str, float]


class SharedToken:
    """One token for all clients of the process, as librdkafka's callback. Thread-safe.

    librdkafka calls it on a thread of its own for each client, so also for a fetcher whose pipeline is inside a call of
    15 minutes (confluent-kafka 2.13 and later).
    """

    def __init__(
        self,
        sign: Callable[[], Token],
        now: Callable[[], float] = time.time,  # noqa: TID251 - librdkafka judges a token by this clock too
    ) -> None:
        #: Makes a new token. May raise anything.
        self._sign = sign
        self._now = now
        self._lock = threading.Lock()
        self._token: Token = ("", 0.0)
        self._reason = ""
        #: When the signer was asked last, and when it is to be asked next.
        self._asked = self._next = 0.0
        self._told = 0.0

    def __call__(self, _: str = "") -> Token:
        """A token that is good for a while. Its argument is `sasl.oauthbearer.config`. Blocks while a new one is made.

        Raises RetriableKafkaError when none could be made and the last one has expired.
        """
        with self._lock:
            now = self._now()
            # A clock that was set back may have signed with a date that is still to come.
            if not self._asked <= now < self._next:
                self._renew(now)
            if now < self._token[1]:
                return self._token
            raise RetriableKafkaError(f"no token for MSK's IAM authentication: {self._reason}", hint=_HINT)

    def _renew(self, now: float) -> None:
        self._asked = now
        try:
            token = self._sign()
        except Exception as error:  # noqa: BLE001 - the signer's, the SDK's, those of whoever gives credentials
            # The signer looks into credentials without a look whether there are any.
            is_empty = isinstance(error, AttributeError)
            self._reason = "AWS credentials were not found" if is_empty else f"{type(error).__name__}: {error}"
            self._next = now + _RETRY_DELAY
            # What is raised here nobody hears of, once a client is built.
            if not self._told <= now < self._told + _QUIET_SECONDS:
                self._told = now
                _log.warning("no new token for MSK's IAM authentication", reason=self._reason, hint=_HINT)
            return
        self._token = token
        self._reason = "the signer's token has expired already: is this machine's clock right?"
        self._next = now + max((token[1] - now) * _SHARED, _RETRY_DELAY)


def msk_token(bootstrap_servers: str) -> SharedToken:
    """The token for the cluster at `bootstrap_servers`. Raises ConfigError without signer or region."""
    try:
        signer = importlib.import_module("aws_msk_iam_sasl_signer.MSKAuthTokenProvider")
    except ImportError:
        raise _problem("needs the package aws-msk-iam-sasl-signer-python", "Install it beside the sink.") from None
    match = _REGION.search(bootstrap_servers)
    region = match["region"] if match else os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise _problem("the brokers' names do not tell the region", "Set AWS_REGION.")
    return _token_of(signer, region)


@cache
def _token_of(signer: Any, region: str) -> SharedToken:
    def sign() -> Token:
        text, expires_ms = signer.generate_auth_token(region)
        return text, expires_ms / 1000

    return SharedToken(sign)


def _problem(message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(key="sasl.mechanism", message=message, error_id="msk-iam", hint=hint)])
