"""A real Apache Kafka for tests: one node, KRaft, on loopback, a process of its own.

    with Broker() as broker:
        Producer({"bootstrap.servers": broker.bootstrap})

`Broker(users={"sink": "secret"})` listens with SASL_SSL + SCRAM-SHA-256 and enforces ACLs; `broker.admin_bootstrap` is
then a plaintext listener whose anonymous user may do everything, for the test's own set-up.
`Broker(takes_tokens=True)` listens with SASL_PLAINTEXT + OAUTHBEARER beside it, and takes any unsecured token in time.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.certificates import make_certificates
from tests.support.kafka_distribution import archive, archive_lock, java
from tests.support.waiting import wait_until

_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Short bounds, so that tests of lost members, retention and compaction end in seconds.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "1500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.consumer.heartbeat.interval.ms": "300",
    "log.retention.check.interval.ms": "500",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.dedupe.buffer.size": str(4 << 20),
}
#: The handlers of OAUTHBEARER that Kafka has by default: for tests, since an unsecured token proves nothing.
_TOKENS = {
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    "listener.name.client.oauthbearer.sasl.jaas.config": (
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
        'unsecuredLoginStringClaim_sub="broker";'
    ),
    # A connection lasts no longer than the token that it came with (KIP-368).
    "connections.max.reauth.ms": "3600000",
}
_START_TIMEOUT = 90.0
_STOP_TIMEOUT = 20.0


class Broker:
    """One Kafka process and its directory. `with` starts it and removes both."""

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        takes_tokens: bool = False,
        properties: Mapping[str, str] | None = None,
        heap: str = "384m",
    ) -> None:
        #: SCRAM users with their passwords; a broker with users enforces ACLs.
        self.users = dict(users or {})
        self._takes_tokens = takes_tokens
        self._has_admin_listener = bool(self.users) or takes_tokens
        #: Where server.properties, the log segments and broker.log are.
        self.directory = Path(tempfile.mkdtemp(prefix="kafka-"))
        # The first bit is 0: an id that begins with `-` would be an option to the storage tool.
        self.cluster_id = urlsafe_b64encode((uuid.uuid4().int >> 1).to_bytes(16)).decode().rstrip("=")
        self._extra = dict(properties or {})
        self._heap = heap
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = _free_ports(3)
        #: The authority that signed the broker's certificate, where it has users.
        self.ca_file = self.directory / "ca.pem"

    def __repr__(self) -> str:
        """`Broker(127.0.0.1:20001, pid 12)`."""
        return f"Broker({self.bootstrap}, pid {self._process.pid if self._process else None})"

    @property
    def bootstrap(self) -> str:
        """Address for clients under test."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def admin_bootstrap(self) -> str:
        """Plaintext address with all rights; the same as `bootstrap` where clients need not authenticate."""
        return f"127.0.0.1:{self._ports[1]}" if self._has_admin_listener else self.bootstrap

    @property
    def voter(self) -> str:
        """Where its controller listens, as `controller.quorum.voters` has it."""
        return f"{self._extra.get('node.id', '1')}@127.0.0.1:{self._ports[2]}"

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        assert self._process is not None, "not started"
        return self._process.pid

    def __enter__(self) -> Self:
        """Format and start; returns when the broker answers."""
        try:
            self.format()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the process, remove its directory."""
        self.close()

    def client_config(self, user: str, password: str | None = None) -> dict[str, Any]:
        """librdkafka's properties for one of `users` (or for a wrong `password`)."""
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": user,
            "sasl.password": self.users[user] if password is None else password,
            "ssl.ca.location": str(self.ca_file),
        }

    def join(self, cluster_id: str, voters: str) -> None:
        """Be a node of a cluster of several, once it is formatted. `voters` as `controller.quorum.voters` has them."""
        self.cluster_id = cluster_id
        self._extra["controller.quorum.voters"] = voters

    def start(self, *options: str) -> None:
        """Start the process on the same ports and log; `options` go to Java. Blocks until it answers."""
        self.launch(*options)
        self.wait_ready()

    def format(self) -> None:
        """Write its configuration and prepare its directory, once."""
        if not archive().exists():
            _make_archive()
        self._format()

    def launch(self, *options: str) -> None:
        """Start the process; alone in a cluster of several it could not answer yet."""
        assert self._process is None, "already running"
        command = java(
            [f"-Xmx{self._heap}", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", *options],
            "kafka.Kafka",
            [str(self.directory / "server.properties")],
        )
        with (self.directory / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        """Block until it answers."""
        admin = AdminClient({"bootstrap.servers": self.admin_bootstrap, "log_level": "0"})
        wait_until(lambda: self._answers(admin), _START_TIMEOUT, what=f"{self} answers")

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._signal(signal.SIGTERM)
        self._reap(_STOP_TIMEOUT)

    def kill(self) -> None:
        """SIGKILL: what is not yet flushed by the operating system survives, sessions and connections do not."""
        self._signal(signal.SIGKILL)
        self._reap(_STOP_TIMEOUT)

    def restart(self) -> None:
        """Stop cleanly and start on the same ports."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill the process if it runs, remove the directory."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """What the broker has logged, warnings and above."""
        return (self.directory / "broker.log").read_text(errors="replace")

    def _signal(self, number: int) -> None:
        assert self._process is not None, "not running"
        os.kill(self._process.pid, number)

    def _reap(self, timeout: float) -> None:
        assert self._process is not None
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self, admin: AdminClient) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the broker ended with {self._process.returncode}:\n{self.log()[-4000:]}")
        with contextlib.suppress(KafkaException):
            # Somebody else's broker on our port would answer too: only ours has this id.
            answer = admin.describe_cluster(request_timeout=1).result()
            return bool(answer.cluster_id == self.cluster_id and answer.nodes)
        return False

    def _format(self) -> None:
        path = self.directory / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        scram = [f"SCRAM-SHA-256=[name={name},password={password}]" for name, password in self.users.items()]
        arguments = ["format", "--cluster-id", self.cluster_id, "--config", str(path)]
        for user in scram:
            arguments += ["--add-scram", user]
        done = subprocess.run(
            java(["-Xmx128m"], "kafka.tools.StorageTool", arguments), capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"StorageTool format failed:\n{done.stdout.decode()}{done.stderr.decode()}")

    def _properties(self) -> dict[str, str]:
        client, admin, controller = self._ports
        listeners = {"CLIENT": client, "CONTROLLER": controller} | (
            {"ADMIN": admin} if self._has_admin_listener else {}
        )
        advertised = [f"{name}://127.0.0.1:{port}" for name, port in listeners.items() if name != "CONTROLLER"]
        protocols = dict.fromkeys(listeners, "PLAINTEXT")
        properties = _PROPERTIES | {
            "controller.quorum.voters": self.voter,
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items()),
            "advertised.listeners": ",".join(advertised),
            "inter.broker.listener.name": "ADMIN" if self._has_admin_listener else "CLIENT",
            "log.dirs": str(self.directory / "data"),
        }
        if self.users:
            protocols["CLIENT"] = "SASL_SSL"
            properties |= self._security()
        elif self._takes_tokens:
            protocols["CLIENT"] = "SASL_PLAINTEXT"
            properties |= _TOKENS
        properties["listener.security.protocol.map"] = ",".join(f"{name}:{how}" for name, how in protocols.items())
        return properties | self._extra

    def _security(self) -> dict[str, str]:
        files = make_certificates(self.directory)
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(files.key_store),
            "sasl.enabled.mechanisms": "SCRAM-SHA-256",
            "listener.name.client.scram-sha-256.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # Whoever comes by one of the plaintext listeners: the broker itself, and the test's set-up.
            "super.users": "User:ANONYMOUS",
            "connections.max.reauth.ms": "0",
        }


def _free_ports(count: int) -> list[int]:
    """Free loopback ports below the ephemeral range.

    Inside it, a client that reconnects to the port of a stopped broker can connect to itself.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.append(port)
    return ports


def _make_archive() -> None:
    """Start a broker once for its class-data archive, which Java writes at a clean exit."""
    with archive_lock():
        if archive().exists():
            return
        partial = archive().with_suffix(".partial")
        scratch = Broker()
        try:
            scratch._format()
            scratch.start(f"-XX:ArchiveClassesAtExit={partial}")
            scratch._signal(signal.SIGTERM)
            scratch._reap(_START_TIMEOUT)
            partial.rename(archive())
        finally:
            scratch.close()
