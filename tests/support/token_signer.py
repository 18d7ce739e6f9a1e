"""In the place of AWS's signer for MSK: tokens that a broker with `takes_tokens` takes, of any length of life."""

from __future__ import annotations

import json
import sys
import threading
import time
from base64 import urlsafe_b64encode
from types import ModuleType

import pytest


class TokenSigner:
    """The package `aws_msk_iam_sasl_signer` 1.0.2, as far as it is used. Counts what it is asked."""

    def __init__(self, life: float = 900.0) -> None:
        #: Seconds.
        self.life = life
        #: Raised instead of a token.
        self.failure: Exception | None = None
        #: Given instead of a token that a broker takes.
        self.text: str | None = None
        self.regions: list[str] = []
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """How many tokens it was asked for."""
        return len(self.regions)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Be the package. It does not import its module, and neither do we."""
        module = ModuleType("aws_msk_iam_sasl_signer.MSKAuthTokenProvider")
        module.generate_auth_token = self._generate_auth_token  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "aws_msk_iam_sasl_signer", ModuleType("aws_msk_iam_sasl_signer"))
        patch.setitem(sys.modules, module.__name__, module)

    def _generate_auth_token(self, region: str) -> tuple[str, int]:
        with self._lock:
            self.regions.append(region)
        if self.failure is not None:
            raise self.failure
        now = time.time()  # noqa: TID251 - the broker judges tokens by this clock
        claims = {"sub": "sink", "iat": now, "exp": now + self.life}
        text = self.text or f"{_part({'alg': 'none'})}.{_part(claims)}."
        return text, int((now + self.life) * 1000)


def _part(document: object) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
