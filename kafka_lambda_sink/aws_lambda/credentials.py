"""One source of credentials for all invokers of a connector."""

from __future__ import annotations

import threading
from collections.abc import Callable

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, NoCredentialsError

from kafka_lambda_sink.core.ports import Clock

#: How often the provider is asked whether they are still the same, seconds.
_ASK_INTERVAL = 1.0


class CredentialSource:
    """Hands out frozen credentials; botocore's provider behind it refreshes them before they end. Thread-safe.

    Static credentials from files or the environment never refresh themselves: `expire` makes the next caller resolve
    the whole chain anew.
    """

    def __init__(self, resolve: Callable[[], Credentials | None], clock: Clock) -> None:
        self._resolve = resolve
        self._clock = clock
        self._lock = threading.Lock()
        self._provider: Credentials | None = None
        self._frozen: ReadOnlyCredentials | None = None
        self._ask_at = 0.0

    def current(self) -> ReadOnlyCredentials:
        """The credentials to sign with: the very same object as long as they have not changed.

        Blocks about once a quarter of an hour, while temporary credentials are renewed. Raises botocore's exceptions.
        """
        frozen = self._frozen
        if frozen is not None and self._clock.monotonic() < self._ask_at:
            return frozen
        with self._lock:
            return self._ask()

    def expire(self, used: ReadOnlyCredentials) -> None:
        """AWS found `used` wanting: resolve anew at the next call, unless somebody has done so since."""
        with self._lock:
            if self._frozen == used:
                self._provider = None
                self._ask_at = 0.0

    def is_replaced(self, used: ReadOnlyCredentials) -> bool:
        """Whether the chain by now has others than `used`: they were rotated. Blocks as `current`."""
        self.expire(used)
        return self.current() != used

    def _ask(self) -> ReadOnlyCredentials:
        try:
            if self._provider is None:
                self._provider = self._resolve()
            if self._provider is None:
                raise self._none_left()
            frozen = self._provider.get_frozen_credentials()
        except (OSError, ValueError) as error:  # A token file that is being replaced, or half written.
            raise CredentialRetrievalError(provider="chain", error_msg=str(error)) from error
        if frozen != self._frozen:
            self._frozen = frozen
        self._ask_at = self._clock.monotonic() + _ASK_INTERVAL
        assert self._frozen is not None
        return self._frozen

    def _none_left(self) -> BotoCoreError:
        """Never any is a matter of configuration; none any more may be a file that is being rewritten."""
        if self._frozen is None:
            return NoCredentialsError()
        return CredentialRetrievalError(provider="chain", error_msg="no provider has credentials any more")


class SharedCredentials(Credentials):
    """The credentials of a botocore client that signs with what a CredentialSource has at that moment."""

    def __init__(self, source: CredentialSource) -> None:
        # The attributes of the base class are never read: signers ask for frozen credentials.
        super().__init__("", "", method="kafka-lambda-sink")
        self._source = source

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """What to sign with."""
        return self._source.current()


class SharedCredentialProvider:
    """Puts SharedCredentials in the place of a botocore session's own chain (component `credential_provider`)."""

    def __init__(self, source: CredentialSource) -> None:
        self._source = source

    def load_credentials(self) -> Credentials:
        """The session's credentials."""
        return SharedCredentials(self._source)
