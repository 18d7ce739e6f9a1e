"""`core.ports.SchemaRegistry` on a real registry, and on what registries do when they do not work."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from kafka_lambda_sink.core.errors import ConfigError, SchemaRegistryError
from kafka_lambda_sink.core.ports import SchemaRegistry
from kafka_lambda_sink.kafka.schema_registry import RegistrySettings, open_registry
from tests.support.certificates import make_certificates
from tests.support.registry_gate import registry_gate
from tests.support.stepped_clock import SteppedClock
from tests.support.waiting import wait_until

PERSON = {"type": "record", "name": "Person", "namespace": "a", "fields": [{"name": "name", "type": "string"}]}
TEXT = b'{"schema": "\\"string\\""}'
UNKNOWN = json.dumps({"error_code": 40403, "message": "Schema not found"}).encode()


@contextmanager
def opened(*urls, clock=None, **settings):
    registry = open_registry(
        RegistrySettings(urls=urls, prefix="value.converter.", **settings), clock or SteppedClock()
    )
    try:
        yield registry
    finally:
        registry.close()


def pass_on(_path, _headers):
    return None


class TestRealRegistry:
    def test_has_what_was_registered(self, schema_registry):
        schema_id = schema_registry.register("person-value", PERSON)
        with opened(schema_registry.url) as registry:
            port: SchemaRegistry = registry
            found = port.schema(schema_id)
        assert found is not None
        assert (found.schema_id, found.kind, found.references) == (schema_id, "AVRO", ())
        assert json.loads(found.text) == PERSON

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("JSON", '{"type":"object","properties":{"a":{"type":"integer"}}}'),
            ("PROTOBUF", 'syntax = "proto3";\nmessage A { int32 a = 1; }\n'),
        ],
    )
    def test_tells_the_kind(self, schema_registry, kind, text):
        schema_id = schema_registry.register(f"kind-{kind}", text, kind=kind)
        with opened(schema_registry.url) as registry:
            found = registry.schema(schema_id)
        assert found is not None
        assert found.kind == kind

    def test_knows_no_other_id(self, schema_registry):
        with opened(schema_registry.url) as registry:
            assert registry.schema(987_654_321) is None
            assert registry.schema(-1) is None

    def test_resolves_references_in_the_order_of_dependency(self, schema_registry):
        def record(name, *others):
            return {"type": "record", "name": name, "fields": [{"name": other, "type": other} for other in others]}

        schema_registry.register("ref-d", record("D"))
        schema_registry.register("ref-c", record("C", "D"), references=[("D", "ref-d", 1)])
        schema_registry.register("ref-b", record("B", "D"), references=[("D", "ref-d", 1)])
        schema_id = schema_registry.register(
            "ref-a", record("A", "B", "C"), references=[("B", "ref-b", 1), ("C", "ref-c", 1)]
        )
        with opened(schema_registry.url) as registry:
            found = registry.schema(schema_id)
        assert found is not None
        assert [name for name, _ in found.references] == ["D", "B", "C"]
        assert [json.loads(text)["name"] for _, text in found.references] == ["D", "B", "C"]

    def test_takes_over_where_the_first_is_away(self, schema_registry):
        schema_id = schema_registry.register("failover", PERSON)
        with opened("http://127.0.0.1:1", schema_registry.url) as registry:
            assert registry.schema(schema_id) is not None

    def test_takes_over_where_the_first_fails(self, schema_registry):
        schema_id = schema_registry.register("failover-500", PERSON)
        with registry_gate(lambda *_: (503, b"{}")) as broken, opened(broken.url, schema_registry.url) as registry:
            assert registry.schema(schema_id) is not None
        assert len(broken.paths) == 1


class TestAuthentication:
    @pytest.fixture
    def schema_id(self, schema_registry):
        return schema_registry.register("guarded", PERSON)

    def guarded(self, schema_registry, expected):
        def answer(_path, headers):
            is_welcome = all(headers.get(name) == value for name, value in expected.items())
            return None if is_welcome else (401, b'{"error_code": 401, "message": "Unauthorized"}')

        return registry_gate(answer, upstream=schema_registry.url)

    def test_basic(self, schema_registry, schema_id):
        expected = "Basic " + base64.b64encode("sink:s3cret:ü".encode()).decode()
        with self.guarded(schema_registry, {"Authorization": expected}) as gate:
            with opened(gate.url, user="sink", password="s3cret:ü") as registry:
                assert registry.schema(schema_id) is not None
            with opened(gate.url, user="sink", password="hidden") as registry:
                with pytest.raises(SchemaRegistryError, match="HTTP 401") as caught:
                    registry.schema(schema_id)
                assert "value.converter.basic.auth.user.info" in (caught.value.hint or "")
                assert "hidden" not in f"{caught.value}{caught.value.hint}{registry!r}"

    def test_bearer(self, schema_registry, schema_id):
        expected = {"Authorization": "Bearer t0ken", "target-sr-cluster": "lsrc-1"}
        with self.guarded(schema_registry, expected) as gate:
            with opened(gate.url, token="t0ken", logical_cluster="lsrc-1") as registry:
                assert registry.schema(schema_id) is not None
            with (
                opened(gate.url, token="another") as registry,
                pytest.raises(SchemaRegistryError, match="HTTP 401") as caught,
            ):
                registry.schema(schema_id)
            assert "another" not in f"{caught.value}{caught.value.hint}"

    def test_a_token_needs_no_cluster(self, schema_registry, schema_id):
        with (
            self.guarded(schema_registry, {"Authorization": "Bearer t0ken"}) as gate,
            opened(gate.url, token="t0ken") as registry,
        ):
            assert registry.schema(schema_id) is not None

    @pytest.mark.parametrize("form", ["location", "pem"])
    def test_certificates(self, schema_registry, schema_id, tmp_path, form):
        files = make_certificates(tmp_path)
        own = {"ssl.ca": files.authority, "ssl.certificate": files.certificate, "ssl.key": files.key}
        ssl = {f"{name}.{form}": str(path) if form == "location" else path.read_text() for name, path in own.items()}
        with registry_gate(pass_on, upstream=schema_registry.url, tls=files) as gate:
            with opened(gate.url, ssl=ssl) as registry:
                assert registry.schema(schema_id) is not None
            without = {f"ssl.ca.{form}": ssl[f"ssl.ca.{form}"]}
            with opened(gate.url, ssl=without) as registry, pytest.raises(SchemaRegistryError):
                registry.schema(schema_id)
            with opened(gate.url) as registry:
                with pytest.raises(SchemaRegistryError, match="not trusted") as caught:
                    registry.schema(schema_id)
                assert "value.converter.schema.registry.ssl.truststore.location" in (caught.value.hint or "")


class TestFailure:
    def test_asks_no_more_for_a_while_and_then_again(self):
        clock = SteppedClock()
        broken = True

        def answer(_path, _headers):
            return (500, b'{"error_code": 50001, "message": "store"}') if broken else (200, TEXT)

        with registry_gate(answer) as gate, opened(gate.url, clock=clock) as registry:
            for pause in (0.5, 1, 2, 4, 8, 16, 30, 30):
                asked = len(gate.paths)
                with pytest.raises(SchemaRegistryError, match="HTTP 500, store"):
                    registry.schema(1)
                assert len(gate.paths) == asked + 1
                clock.step(pause - 0.1)
                with pytest.raises(SchemaRegistryError, match="HTTP 500, store"):
                    registry.schema(2)
                assert len(gate.paths) == asked + 1
                clock.step(0.1)
            broken = False
            assert registry.schema(1) is not None
            broken = True
            asked = len(gate.paths)
            with pytest.raises(SchemaRegistryError):
                registry.schema(2)
            clock.step(0.5)
            with pytest.raises(SchemaRegistryError):
                registry.schema(2)
            assert len(gate.paths) == asked + 2

    def test_gives_what_it_has_while_the_registry_is_away(self):
        with registry_gate(lambda *_: (200, TEXT)) as gate, opened(gate.url) as registry:
            registry.schema(1)
            asked = len(gate.paths)
            with registry_gate(lambda *_: (200, TEXT)):
                assert registry.schema(1) is not None
            assert len(gate.paths) == asked

    def test_does_not_wait_for_ever(self):
        over = threading.Event()

        def answer(_path, _headers):
            over.wait(30)
            return 200, TEXT

        with registry_gate(answer) as gate, opened(gate.url, timeout=0.2) as registry:
            with pytest.raises(SchemaRegistryError, match=r"within 0\.2 s"):
                registry.schema(1)
            over.set()

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b"{}", b'{"schema": 5}', b'{"schema": null}', b"null", b"\xff"]
    )
    def test_takes_nothing_else_for_a_schema(self, body):
        with (
            registry_gate(lambda *_: (200, body)) as gate,
            opened(gate.url) as registry,
            pytest.raises(SchemaRegistryError, match="answered what no registry answers"),
        ):
            registry.schema(1)

    @pytest.mark.parametrize("body", [b"", b"<html>", b'{"error_code": 404, "message": "HTTP 404 Not Found"}'])
    def test_takes_a_wrong_path_for_no_unknown_id(self, body):
        with (
            registry_gate(lambda *_: (404, body)) as gate,
            opened(gate.url) as registry,
            pytest.raises(SchemaRegistryError, match="HTTP 404") as caught,
        ):
            registry.schema(1)
        assert "value.converter.schema.registry.url" in (caught.value.hint or "")

    def test_says_that_nobody_listens(self):
        away = r"http://127\.0\.0\.1:1 cannot be reached"
        with opened("http://127.0.0.1:1") as registry, pytest.raises(SchemaRegistryError, match=away) as caught:
            registry.schema(1)
        assert "value.converter.schema.registry.url" in (caught.value.hint or "")

    @pytest.mark.parametrize("names", ["AB", "B"])
    def test_a_reference_that_is_gone_makes_the_id_unknown(self, caplog, names):
        references = [{"name": name, "subject": name.lower(), "version": 1} for name in names]
        body = {"schema": '"B"', "references": references}

        def answer(path, _headers):
            if "/ids/" in path:
                return 200, json.dumps(body).encode()
            if "/a/" in path:
                return 200, b'{"subject": "a", "version": 1, "id": 3, "schema": "\\"int\\""}'
            return 404, b'{"error_code": 40401, "message": "Subject not found"}'

        with registry_gate(answer) as gate, opened(gate.url) as registry, caplog.at_level(logging.WARNING):
            assert registry.schema(1) is None
        assert "a schema refers to what the registry does not have" in caplog.text


class TestCaches:
    def test_asks_once_for_what_it_found(self):
        with registry_gate(lambda *_: (200, TEXT)) as gate, opened(gate.url) as registry:
            assert registry.schema(1) is registry.schema(1)
            assert len(gate.paths) == 1

    def test_asks_again_for_an_unknown_id_after_a_minute(self):
        clock = SteppedClock()
        with registry_gate(lambda *_: (404, UNKNOWN)) as gate, opened(gate.url, clock=clock) as registry:
            assert registry.schema(1) is None
            clock.step(59.9)
            assert registry.schema(1) is None
            assert len(gate.paths) == 1
            clock.step(0.1)
            assert registry.schema(1) is None
            assert len(gate.paths) == 2

    def test_finds_an_id_that_came_into_being(self):
        clock = SteppedClock()
        answers = iter([(404, UNKNOWN), (200, TEXT)])
        with registry_gate(lambda *_: next(answers)) as gate, opened(gate.url, clock=clock) as registry:
            assert registry.schema(1) is None
            clock.step(60)
            assert registry.schema(1) is not None

    def test_keep_no_more_than_their_bounds(self, monkeypatch):
        monkeypatch.setattr("kafka_lambda_sink.kafka.schema_registry._MOST_SCHEMAS", 3)
        monkeypatch.setattr("kafka_lambda_sink.kafka.schema_registry._MOST_UNKNOWN", 3)

        def answer(path, _headers):
            return (200, TEXT) if int(path.rpartition("/")[2]) < 10 else (404, UNKNOWN)

        with registry_gate(answer) as gate, opened(gate.url) as registry:
            for schema_id in (1, 2, 3, 4, 11, 12, 13, 14):
                registry.schema(schema_id)
            for schema_id in (2, 3, 4, 12, 13, 14):
                registry.schema(schema_id)
            assert len(gate.paths) == 8
            registry.schema(1)
            registry.schema(11)
            assert len(gate.paths) == 10

    def test_one_thread_asks_for_an_id_while_the_others_wait(self):
        go_on = threading.Event()

        def answer(path, _headers):
            if path.endswith("/1"):
                go_on.wait(30)
            return 200, TEXT

        with (
            registry_gate(answer) as gate,
            opened(gate.url, timeout=60) as registry,
            ThreadPoolExecutor(8) as threads,
        ):
            asking = [threads.submit(registry.schema, 1) for _ in range(6)]
            wait_until(lambda: gate.paths, what="the first question")
            # Another id does not wait behind it.
            assert registry.schema(2) is not None
            go_on.set()
            found = [future.result(30) for future in asking]
            assert all(one is found[0] for one in found)
            assert [path.rpartition("/")[2] for path in gate.paths] == ["1", "2"]

    def test_those_who_waited_for_a_failure_do_not_ask_again(self):
        go_on = threading.Event()

        def answer(_path, _headers):
            go_on.wait(30)
            return 500, b"{}"

        with (
            registry_gate(answer) as gate,
            opened(gate.url, timeout=60) as registry,
            ThreadPoolExecutor(4) as threads,
        ):
            asking = [threads.submit(registry.schema, 1) for _ in range(4)]
            wait_until(lambda: gate.paths, what="the first question")
            go_on.set()
            assert all(isinstance(future.exception(30), SchemaRegistryError) for future in asking)
            assert len(gate.paths) == 1


class TestSettings:
    @pytest.mark.parametrize("url", ["localhost:8081", "ftp://registry", "http://user:secret@registry"])
    def test_refuse_an_address_that_is_none(self, url):
        with pytest.raises(ConfigError) as caught, opened(url):
            pass
        assert caught.value.problems[0].key == "value.converter.schema.registry.url"
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        "ssl",
        [
            {"ssl.ca.location": "/nowhere/ca.pem"},
            {"ssl.ca.pem": "no certificate"},
            {"ssl.key.pem": "no key"},
            {"ssl.endpoint.identification.algorithm": "none"},
        ],
    )
    def test_refuse_certificates_that_are_none(self, ssl):
        with pytest.raises(ConfigError) as caught, opened("https://registry", ssl=ssl):
            pass
        assert (caught.value.problems[0].key or "").startswith("value.converter.schema.registry.ssl.")

    def test_hold_their_secrets_back(self):
        settings = RegistrySettings(
            urls=("http://a",), user="u", password="p4ss", token="t0ken", ssl={"ssl.key.pem": "k3y"}
        )
        assert not any(secret in repr(settings) for secret in ("p4ss", "t0ken", "k3y"))


def test_costs_no_import_before_one_is_opened():
    code = (
        "import sys, kafka_lambda_sink.kafka.schema_registry; print('confluent_kafka.schema_registry' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
