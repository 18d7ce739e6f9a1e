"""One source of credentials, asked by many."""

from __future__ import annotations

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError

from kafka_lambda_sink.aws_lambda.credentials import CredentialSource
from tests.support.stepped_clock import SteppedClock


class Chain:
    """Counts how often it is resolved, and gives what is set."""

    def __init__(self, key: str | None = "first") -> None:
        self.key = key
        self.resolved = 0

    def __call__(self) -> Credentials | None:
        self.resolved += 1
        return None if self.key is None else Credentials(self.key, "secret", "token")


def test_the_same_credentials_are_the_same_object():
    clock, chain = SteppedClock(), Chain()
    source = CredentialSource(chain, clock)
    first = source.current()

    clock.step(60)

    assert source.current() is first
    assert chain.resolved == 1


def test_a_provider_that_renews_itself_is_asked_once_a_second():
    clock = SteppedClock()
    provider = Credentials("first", "secret")
    source = CredentialSource(lambda: provider, clock)
    source.current()
    provider.access_key = "second"

    clock.step(0.9)
    early = source.current().access_key
    clock.step(0.2)

    assert early == "first"
    assert source.current().access_key == "second"


def test_expired_credentials_are_resolved_anew_at_the_next_call():
    chain = Chain()
    source = CredentialSource(chain, SteppedClock())
    used = source.current()
    chain.key = "second"

    source.expire(used)

    assert source.current().access_key == "second"


def test_many_who_met_the_same_expiry_resolve_once():
    chain = Chain()
    source = CredentialSource(chain, SteppedClock())
    used = source.current()
    chain.key = "second"
    source.expire(used)
    source.current()

    source.expire(used)
    source.current()

    assert chain.resolved == 2


@pytest.mark.parametrize(("now", "replaced"), [("first", False), ("second", True)])
def test_whether_a_key_was_rotated_is_found_out_by_asking_the_chain(now: str, *, replaced: bool):
    chain = Chain()
    source = CredentialSource(chain, SteppedClock())
    used = source.current()
    chain.key = now

    assert source.is_replaced(used) is replaced


def test_an_empty_chain_is_asked_again():
    chain = Chain(None)
    source = CredentialSource(chain, SteppedClock())
    with pytest.raises(NoCredentialsError):
        source.current()
    chain.key = "late"

    assert source.current().access_key == "late"


def test_credentials_that_are_gone_for_a_moment_are_no_matter_of_configuration():
    chain = Chain()
    source = CredentialSource(chain, SteppedClock())
    source.expire(source.current())
    chain.key = None

    with pytest.raises(CredentialRetrievalError):
        source.current()
    chain.key = "second"

    assert source.current().access_key == "second"


def test_a_token_file_that_is_missing_for_a_moment_is_a_fault_of_the_chain():
    def chain() -> Credentials:
        raise FileNotFoundError(2, "No such file", "token")

    with pytest.raises(CredentialRetrievalError, match="token"):
        CredentialSource(chain, SteppedClock()).current()
