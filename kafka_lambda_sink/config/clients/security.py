"""The part of a client's properties that spans several keys: JAAS, stores, protocol and their consistency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kafka_lambda_sink.config.bootstrap import listener_protocol
from kafka_lambda_sink.config.clients.jaas import JaasError, translate_jaas
from kafka_lambda_sink.config.clients.jks import StoreContent, StoreError
from kafka_lambda_sink.config.clients.stores import pem, read_store
from kafka_lambda_sink.config.settings import Setting
from kafka_lambda_sink.core.errors import Problem

#: Handled here and not row by row.
STORE_KEYS: Final = frozenset(
    {
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
        "ssl.truststore.certificates",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.keystore.key",
        "ssl.keystore.certificate.chain",
    }
)
HANDLED: Final = STORE_KEYS | {"sasl.jaas.config"}

#: Callback handlers of Java that only say what the login module says already.
HARMLESS_HANDLERS: Final = frozenset(
    {
        "software.amazon.msk.auth.iam.iamclientcallbackhandler",
        "org.apache.kafka.common.security.oauthbearer.oauthbearerlogincallbackhandler",
        "org.apache.kafka.common.security.oauthbearer.secured.oauthbearerlogincallbackhandler",
    }
)


def is_security_key(key: str) -> bool:
    """Whether a key says how to reach and trust a cluster."""
    return key.startswith(("security.", "sasl.", "ssl.", "enable.ssl.", "enable.sasl."))


class SecurityTranslation:
    """Translates the keys in `HANDLED` of one client; collects problems instead of raising."""

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self._settings = settings
        #: librdkafka's properties.
        self.properties: dict[str, str] = {}
        #: The setting that each came from.
        self.origins: dict[str, Setting] = {}
        self.problems: list[Problem] = []
        self._jaas()
        self._trust_store()
        self._key_store()

    def _text(self, key: str) -> str | None:
        setting = self._settings.get(key)
        return setting.value if setting else None

    def _attempt(self, setting: Setting, translate: Callable[[], dict[str, str]]) -> None:
        try:
            self._take(setting, translate())
        except (JaasError, StoreError) as error:
            self.problems.append(setting.problem("invalid-value", str(error)))

    def _take(self, setting: Setting, properties: dict[str, str]) -> None:
        self.properties |= properties
        self.origins |= dict.fromkeys(properties, setting)

    def _jaas(self) -> None:
        setting = self._settings.get("sasl.jaas.config")
        if setting is None or not setting.value.strip():
            return
        mechanism = self._text("sasl.mechanism")
        self._attempt(setting, lambda: translate_jaas(setting.value, mechanism.strip().upper() if mechanism else None))

    def _trust_store(self) -> None:
        certificates = self._settings.get("ssl.truststore.certificates")
        location = self._settings.get("ssl.truststore.location")
        if certificates is not None:
            self._take(certificates, {"ssl.ca.pem": certificates.value})
        elif location is not None and self._is_pem("ssl.truststore.type"):
            self._take(location, {"ssl.ca.location": location.value})
        elif location is not None:
            password = self._text("ssl.truststore.password")
            self._attempt(location, lambda: _trusted(read_store(location.value, password)))

    def _key_store(self) -> None:
        key = self._settings.get("ssl.keystore.key")
        chain = self._settings.get("ssl.keystore.certificate.chain")
        location = self._settings.get("ssl.keystore.location")
        if key is not None and chain is not None:
            self._take(key, {"ssl.key.pem": key.value})
            self._take(chain, {"ssl.certificate.pem": chain.value})
        elif key is not None or chain is not None:
            there, missing = (key, "ssl.keystore.certificate.chain") if key is not None else (chain, "ssl.keystore.key")
            assert there is not None
            self.problems.append(there.problem("missing-key", f"needs {missing} beside it"))
        elif location is not None and self._is_pem("ssl.keystore.type"):
            self._take(location, {"ssl.key.location": location.value, "ssl.certificate.location": location.value})
        elif location is not None:
            passwords = self._text("ssl.keystore.password"), self._text("ssl.key.password")
            self._attempt(location, lambda: _own(read_store(location.value, *passwords)))

    def _is_pem(self, type_key: str) -> bool:
        return (self._text(type_key) or "").strip().upper() == "PEM"


def _trusted(store: StoreContent) -> dict[str, str]:
    if not store.trusted:
        raise StoreError("the trust store has no trusted certificate")
    return {"ssl.ca.pem": pem("CERTIFICATE", *store.trusted)}


def _own(store: StoreContent) -> dict[str, str]:
    if store.key is None or not store.chain:
        raise StoreError("the key store has no private key with its certificate that the password opens")
    return {"ssl.key.pem": pem("PRIVATE KEY", store.key), "ssl.certificate.pem": pem("CERTIFICATE", *store.chain)}


def complete_security(
    properties: dict[str, str], settings: Mapping[str, Setting], bootstrap: Setting | None
) -> tuple[list[Problem], list[Problem]]:
    """Fill in what follows from other keys, in place; problems and warnings about what does not fit together.

    `properties` are librdkafka's, from `settings` in Java's or librdkafka's names.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    listener = _listener(bootstrap, problems)
    protocol = properties.setdefault("security.protocol", listener) if listener else properties.get("security.protocol")
    if listener and bootstrap and protocol != listener:
        message = f"the addresses say {listener}, security.protocol says {protocol}"
        problems.append(bootstrap.problem("conflict", message))
    if properties.get("sasl.mechanism") == "AWS_MSK_IAM":
        _refuse_iam_without_module(settings, problems)
    first = next((settings[key] for key in sorted(settings) if key.startswith("sasl.")), None)
    if protocol and protocol.startswith("SASL_"):
        problems += _sasl_problems(properties, settings)
        secret = _BARE.get(properties.get("sasl.mechanism", ""))
        if protocol == "SASL_PLAINTEXT" and secret and first:
            message = f"{secret} crosses the network unencrypted: use SASL_SSL"
            warnings.append(first.problem("weak-security", message))
    elif first is not None:
        message = "has no effect while security.protocol is not SASL_SSL or SASL_PLAINTEXT"
        warnings.append(first.problem("no-effect", message))
    warnings += [
        settings[key].problem("weak-security", "the broker's certificate or its host name is not verified")
        for key, weak in _WEAK
        if key in settings and settings[key].value.strip().lower() in weak
    ]
    if properties.get("sasl.mechanism") == "OAUTHBEARER" and "sasl.oauthbearer.token.endpoint.url" in properties:
        properties.setdefault("sasl.oauthbearer.method", "oidc")
    return problems, warnings


#: What a mechanism sends as it is.
_BARE = {"PLAIN": "the password", "OAUTHBEARER": "the token, which is as good as a password,"}
_WEAK = (
    ("ssl.endpoint.identification.algorithm", {"", "none"}),
    ("enable.ssl.certificate.verification", {"false"}),
)


def _listener(bootstrap: Setting | None, problems: list[Problem]) -> str | None:
    if bootstrap is None:
        return None
    try:
        return listener_protocol(bootstrap.value)
    except ValueError as error:
        problems.append(bootstrap.problem("invalid-value", str(error)))
        return None


def _refuse_iam_without_module(settings: Mapping[str, Setting], problems: list[Problem]) -> None:
    setting = settings["sasl.mechanism"]
    hint = "Add sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;"
    problems.append(setting.problem("missing-key", "AWS_MSK_IAM needs its login module", hint))


def _sasl_problems(properties: Mapping[str, str], settings: Mapping[str, Setting]) -> list[Problem]:
    mechanism = properties.get("sasl.mechanism")
    at = settings.get("sasl.mechanism") or settings.get("security.protocol") or next(iter(settings.values()), None)
    if at is None:
        return [Problem(key="sasl.mechanism", message="is needed for SASL", error_id="missing-key")]
    if mechanism is None or mechanism == "GSSAPI":
        hint = "Set sasl.mechanism to SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, OAUTHBEARER or AWS_MSK_IAM"
        return [at.problem("not-built-yet", "GSSAPI (Kerberos), Java's default mechanism, is not built yet", hint)]
    has_password = {"sasl.username", "sasl.password"} <= properties.keys()
    if (mechanism == "PLAIN" or mechanism.startswith("SCRAM-")) and not has_password:
        hint = "Set sasl.jaas.config, or sasl.username and sasl.password"
        return [at.problem("missing-key", f"{mechanism} needs a user name and a password", hint)]
    return []
