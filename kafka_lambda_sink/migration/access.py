"""How a Kafka trigger of AWS proves who it is: the counterparts of `SourceAccessConfigurations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kafka_lambda_sink.migration.migration import Given, Migration

_LOGIN: Final = "org.apache.kafka.common.security"
_CREDENTIALS: Final = 'required username="${env:KAFKA_USERNAME}" password="${env:KAFKA_PASSWORD}";'
_SCRAM: Final = f"{_LOGIN}.scram.ScramLoginModule {_CREDENTIALS}"
_SASL: Final = ("security.protocol", "SASL_SSL")

#: How a sink proves who it is by its AWS credentials.
IAM: Final = (
    _SASL,
    ("sasl.mechanism", "AWS_MSK_IAM"),
    ("sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule required;"),
)

#: By type, in capitals. What they refer to is a secret of AWS's Secrets Manager, whose parts have to get here.
_TYPES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "BASIC_AUTH": (
        _SASL,
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", f"{_LOGIN}.plain.PlainLoginModule {_CREDENTIALS}"),
    ),
    "SASL_SCRAM_256_AUTH": (_SASL, ("sasl.mechanism", "SCRAM-SHA-256"), ("sasl.jaas.config", _SCRAM)),
    "SASL_SCRAM_512_AUTH": (_SASL, ("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.jaas.config", _SCRAM)),
    "CLIENT_CERTIFICATE_TLS_AUTH": (
        ("security.protocol", "SSL"),
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", "/run/secrets/client.pem"),
        ("ssl.key.password", "${env:KAFKA_KEY_PASSWORD}"),
    ),
    "IAM_AUTH": IAM,
    "SERVER_ROOT_CA_CERTIFICATE": (
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", "/run/secrets/ca.pem"),
    ),
}
_NETWORK: Final = ("VPC_",)


def ask_for_access(migration: Migration, given: Given) -> None:
    """A decision for each secret; what is about the network is dropped."""
    if not isinstance(given.value, list):
        migration.ask(given.name, f"is a reference, {given.text}: write in how the sink proves who it is")
        return
    for entry in given.value:
        kind = str(entry.get("Type", "")).upper()
        uri = entry.get("URI", entry.get("Uri", ""))
        if kind.startswith(_NETWORK):
            migration.drop(f"{given.name} {kind}", "run the sink where the brokers can be reached")
            continue
        proposals = _TYPES.get(kind, ())
        question = f"what it takes is in the secret {uri}" if uri else "what it takes"
        migration.ask(f"{given.name} {kind}", question, *proposals)
