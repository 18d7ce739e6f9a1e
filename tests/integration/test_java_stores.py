"""Stores that Java's own tool made, read and used in a TLS handshake of librdkafka."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from confluent_kafka import Producer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.core.errors import ConfigError
from tests.support.certificates import Certificates, make_certificates
from tests.support.config_text import FIVE

PASSWORD = "st0re-pass"


def keytool(*arguments: str) -> None:
    subprocess.run(["keytool", "-noprompt", *arguments], check=True, capture_output=True, timeout=60)


def ec_key(path: Path) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module", params=["JKS", "PKCS12"])
def stores(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificates: Certificates,
    other: Certificates,
) -> Path:
    """trust.jks with two certificates (the right one last) and client.jks with a key, both of one type."""
    directory = tmp_path_factory.mktemp(request.param)
    kind = ("-storetype", request.param, "-storepass", PASSWORD)
    for alias, trusted in (("other", other.certificate), ("right", certificates.authority)):
        keytool("-importcert", "-alias", alias, "-file", str(trusted), "-keystore", f"{directory}/trust.jks", *kind)
    bundle = directory / "client.p12"
    bundle.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"me",
            ec_key(certificates.key),
            x509.load_pem_x509_certificate(certificates.certificate.read_bytes()),
            None,
            BestAvailableEncryption(PASSWORD.encode()),
        )
    )
    source = ("-srckeystore", str(bundle), "-srcstoretype", "PKCS12", "-srcstorepass", PASSWORD)
    destination = ("-destkeystore", f"{directory}/client.jks", "-deststoretype", request.param)
    keytool("-importkeystore", *source, *destination, "-deststorepass", PASSWORD)
    return directory


def sink_file(stores: Path, port: int, password: str = PASSWORD) -> Path:
    path = stores / "sink.properties"
    path.write_text(
        FIVE.replace("localhost:9092", f"127.0.0.1:{port}")
        + "security.protocol=SSL\n"
        + f"ssl.truststore.location={stores}/trust.jks\nssl.truststore.password={password}\n"
        + f"ssl.keystore.location={stores}/client.jks\nssl.keystore.password={password}\n"
        + f"ssl.key.password={password}\n"
    )
    return path


def test_a_client_with_javas_stores_trusts_and_is_trusted(stores: Path, certificates: Certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.load_verify_locations(certificates.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    seen = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True) as secured:
                if secured.getpeercert() and secured.recv(4):
                    seen.set()

        server = threading.Thread(target=serve)
        server.start()
        loaded = load(sink_file(stores, listener.getsockname()[1]), environ={})
        producer = Producer({**loaded.clients.dead_letter_producer, "log_level": 0})
        server.join(20)
        del producer
    assert seen.is_set()


def test_a_wrong_password_is_told_before_anything_starts(stores: Path):
    with pytest.raises(ConfigError) as raised:
        load(sink_file(stores, 9092, "canary-pass"), environ={})
    assert {problem.key for problem in raised.value.problems} == {"ssl.truststore.location", "ssl.keystore.location"}
    assert all("password" in problem.message for problem in raised.value.problems)
    assert "canary" not in str(raised.value)
