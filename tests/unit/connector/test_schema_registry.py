"""From a configuration's text to what a registry is asked with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.connector.schema_registry import open_schema_registry
from kafka_lambda_sink.core.errors import SchemaRegistryError
from kafka_lambda_sink.core.ports import SchemaRegistry
from tests.support.certificates import make_certificates
from tests.support.config_text import FIVE
from tests.support.registry_gate import registry_gate
from tests.support.stepped_clock import SteppedClock

BASIC = {"Authorization": "Basic " + base64.b64encode(b"sink:s3:cret").decode()}
BEARER = {"Authorization": "Bearer t0ken"}
CLOUD = BEARER | {"target-sr-cluster": "lsrc-1", "Confluent-Identity-Pool-Id": "pool-1"}
USER_INFO = "basic.auth.credentials.source=USER_INFO\nPART.converter.%sbasic.auth.user.info=sink:s3:cret"
TOKEN = "bearer.auth.credentials.source=STATIC_TOKEN\nPART.converter.bearer.auth.token=t0ken"
TEXT = b'{"schema": "\\"string\\""}'
IN_CLOUD = "\nPART.converter.bearer.auth.logical.cluster=lsrc-1\nPART.converter.bearer.auth.identity.pool.id=pool-1"


def opened(directory: Path, part: str, url: str, *more: str) -> SchemaRegistry:
    """The registry of a part whose converter is set so; `PART` in further lines is the part."""
    lines = ["PART.converter=avro", f"PART.converter.schema.registry.url={url}", *more, ""]
    path = directory / "sink.properties"
    path.write_text(FIVE + "\n".join(lines).replace("PART", part), encoding="utf-8")
    return open_schema_registry(load(path, environ={}), SteppedClock(), part)


@pytest.mark.parametrize("part", ["key", "value"])
@pytest.mark.parametrize(
    ("user", "auth", "expected"),
    [
        ("sink:s3%3Acret@", "", BASIC),
        ("", USER_INFO % "", BASIC),
        ("", USER_INFO % "schema.registry.", BASIC),
        ("", TOKEN, BEARER),
        ("", TOKEN + IN_CLOUD, CLOUD),
    ],
    ids=["in the address", "user info", "user info of the registry", "bearer", "bearer of a cloud"],
)
def test_credentials_go_to_the_registry_of_their_part(
    tmp_path: Path, part: str, user: str, auth: str, expected: dict[str, str]
):
    def answer(_: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        sent = {name.lower(): value for name, value in headers.items()}
        is_welcome = all(sent.get(name.lower()) == value for name, value in expected.items())
        return (200, TEXT) if is_welcome else (401, b"{}")

    with registry_gate(answer) as gate:
        more = [f"PART.converter.{auth}"] if auth else []
        registry = opened(tmp_path, part, gate.url.replace("://", f"://{user}"), *more)
        assert registry.schema(1) is not None
        registry.close()
        registry = opened(tmp_path, part, gate.url)
        with pytest.raises(SchemaRegistryError, match="HTTP 401"):
            registry.schema(1)
        registry.close()


@pytest.mark.parametrize("part", ["key", "value"])
def test_certificates_go_by_the_names_of_the_java_client(tmp_path: Path, part: str):
    files = make_certificates(tmp_path)
    own = tmp_path / "own.pem"
    own.write_bytes(files.certificate.read_bytes() + files.key.read_bytes())
    prefix = "PART.converter.schema.registry.ssl."
    trust = [f"{prefix}truststore.type=PEM", f"{prefix}truststore.location={files.authority}"]
    known = [*trust, f"{prefix}keystore.type=PEM", f"{prefix}keystore.location={own}"]
    with registry_gate(lambda *_: (200, TEXT), tls=files) as gate:
        registry = opened(tmp_path, part, gate.url, *known)
        assert registry.schema(1) is not None
        registry.close()
        registry = opened(tmp_path, part, gate.url, *trust)
        with pytest.raises(SchemaRegistryError):
            registry.schema(1)
        registry.close()
