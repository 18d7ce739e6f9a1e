"""What must hold between the settings of the schema registries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from kafka_lambda_sink.config.declaration import property_name
from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig

#: Converters that read a schema's id from each record.
WITH_REGISTRY: Final = frozenset({"avro", "protobuf", "jsonschema"})


def registry_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    for part in ("key", "value"):
        if getattr(config, f"{part}_converter") in WITH_REGISTRY:
            yield from _of(config, f"{part}_converter")


def _of(config: SinkConfig, converter: str) -> Iterator[Finding]:
    url = f"{converter}_schema_registry_url"
    if not getattr(config, url):
        hint = "The address of the schema registry, such as http://registry:8081"
        yield Finding((converter, url), f"needs {property_name(url)} beside it", "missing-key", hint)
    for address in getattr(config, url):
        if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).hostname:
            yield Finding((url,), "must be addresses that begin with http:// or https://", "invalid-value")
    source, info = f"{converter}_basic_auth_credentials_source", f"{converter}_basic_auth_user_info"
    secret = getattr(config, info)
    if getattr(config, source) == "USER_INFO":
        if secret is None:
            yield Finding((source, info), f"needs {property_name(info)} beside it", "missing-key")
        elif ":" not in secret.get_secret_value():
            yield Finding((info,), "must be user:password", "invalid-value")
    elif secret is not None:
        message = "has no effect unless basic.auth.credentials.source is USER_INFO"
        yield Finding((info, source), message, "conflict")
    bearer, token = f"{converter}_bearer_auth_credentials_source", f"{converter}_bearer_auth_token"
    if getattr(config, bearer) is not None and getattr(config, token) is None:
        yield Finding((bearer, token), f"needs {property_name(token)} beside it", "missing-key")
