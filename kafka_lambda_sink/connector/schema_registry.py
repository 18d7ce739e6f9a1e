"""The schema registry of keys or of values, as the configuration has it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.core.ports import Clock, SchemaRegistry


def open_schema_registry(loaded: LoadedConfig, clock: Clock, part: str) -> SchemaRegistry:
    """The registry of `key` or `value`. Asks nothing yet. Raises ConfigError for a certificate that cannot be used."""
    from kafka_lambda_sink.kafka.schema_registry import RegistrySettings, open_registry  # noqa: PLC0415 - rarely used

    def setting(name: str) -> object:
        return getattr(loaded.sink, f"{part}_converter_{name}")

    def secret(name: str) -> str | None:
        found = getattr(loaded.sink, f"{part}_converter_{name}")
        return found.get_secret_value() if found is not None else None

    urls, user, password = _without_user(getattr(loaded.sink, f"{part}_converter_schema_registry_url"))
    if setting("basic_auth_credentials_source") == "USER_INFO":
        user, _, password = (secret("basic_auth_user_info") or "").partition(":")
    has_token = setting("bearer_auth_credentials_source") == "STATIC_TOKEN"
    return open_registry(
        RegistrySettings(
            urls=urls,
            prefix=f"{part}.converter.",
            user=user,
            password=password,
            token=secret("bearer_auth_token") if has_token else None,
            logical_cluster=str(setting("bearer_auth_logical_cluster") or ""),
            identity_pool=getattr(loaded.sink, f"{part}_converter_bearer_auth_identity_pool_id"),
            ssl=loaded.clients.key_registry if part == "key" else loaded.clients.value_registry,
        ),
        clock,
    )


def _without_user(urls: tuple[str, ...]) -> tuple[tuple[str, ...], str | None, str]:
    """The addresses without user information, and the first user and password that stood in them."""
    plain, user, password = [], None, ""
    for url in urls:
        parts = urlsplit(url)
        if user is None and parts.username is not None:
            user, password = unquote(parts.username), unquote(parts.password or "")
        plain.append(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
    return tuple(plain), user, password
