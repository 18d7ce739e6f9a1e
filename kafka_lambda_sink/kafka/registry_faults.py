"""What the registry's client raises, in our words."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from kafka_lambda_sink.core.errors import SchemaRegistryError

#: The registry's own codes for what is not there: a subject, a version, a schema. Another 404 is a wrong address.
_ABSENT: Final = frozenset({40401, 40402, 40403})
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
#: Characters of a registry's own message that are passed on.
_LONGEST: Final = 200


def is_absent(error: Exception) -> bool:
    """Whether the registry answered that it does not have what was asked for."""
    return getattr(error, "error_code", None) in _ABSENT


def explain(error: Exception, urls: Sequence[str], prefix: str, timeout: float) -> SchemaRegistryError:
    """The error to raise for what confluent-kafka's client raised. Neither its message nor its hint has a secret."""
    where = f"the schema registry at {', '.join(urls)}"
    key = f"{prefix}schema.registry.url"
    status = getattr(error, "http_status_code", None)
    if status in _REFUSED:
        hint = (
            f"Check {prefix}basic.auth.user.info, {prefix}bearer.auth.token or {prefix}schema.registry.ssl.keystore.*,"
            " and what the user may read."
        )
        return SchemaRegistryError(f"{where} refused us: HTTP {status}", hint=hint)
    if status is not None:
        said = str(getattr(error, "error_message", ""))[:_LONGEST] if getattr(error, "error_code", -1) != -1 else ""
        path = f"Check the path in {key}." if status == HTTPStatus.NOT_FOUND else None
        return SchemaRegistryError(f"{where} failed: HTTP {status}{said and f', {said}'}", hint=path)
    name = type(error).__name__
    if "Timeout" in name:
        return SchemaRegistryError(f"{where} did not answer within {timeout:g} s")
    if _is_certificate(error):
        return SchemaRegistryError(
            f"the certificate of {where} is not trusted: {error}",
            hint=f"Check {prefix}schema.registry.ssl.truststore.location.",
        )
    if isinstance(error, ValueError | TypeError | AttributeError | KeyError):
        return SchemaRegistryError(f"{where} answered what no registry answers", hint=f"Check {key}.")
    return SchemaRegistryError(f"{where} cannot be reached: {str(error) or name}", hint=f"Check {key}.")


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
