"""The Dockerfile, the compose file and the Kubernetes manifest: against their schemas, and against this tree."""

import fnmatch
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kafka_lambda_sink.cli.main import command
from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.local.endpoint import Function

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
LOCKS = ("requirements.lock", "requirements-build.lock")


def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def manifests():
    return list(yaml.safe_load_all((ROOT / "deploy" / "deployment.yaml").read_text()))


def manifest(kind):
    (found,) = [document for document in manifests() if document["kind"] == kind]
    return found


def seconds(duration):
    return int(duration.removesuffix("s"))


def check(document, schema):
    jsonschema.Draft7Validator(json.loads((DATA / schema).read_text())).validate(document)


def check_manifest(document):
    check(document, f"k8s/{document['kind'].lower()}.json")


class TestCompose:
    def test_follows_the_compose_specification(self):
        check(compose(), "compose/compose-spec.json")

    def test_the_schema_refuses_what_compose_does_not_know(self):
        document = compose()
        document["services"]["sink"]["enviroment"] = {}
        with pytest.raises(jsonschema.ValidationError, match="enviroment"):
            check(document, "compose/compose-spec.json")

    def test_mounts_what_exists(self):
        mounts = [
            mount.split(":")[0] for service in compose()["services"].values() for mount in service.get("volumes", [])
        ]
        assert mounts
        assert [mount for mount in mounts if not (ROOT / mount).exists()] == []

    def test_names_services_that_exist(self):
        services = compose()["services"]
        named = {name for service in services.values() for name in service.get("depends_on", {})}
        shared = {service.get("network_mode", "").removeprefix("service:") for service in services.values()} - {""}
        assert named | shared <= services.keys()

    def test_the_handler_is_where_it_is_mounted(self):
        command = compose()["services"]["function"]["command"]
        path, _, function = command[command.index("--handler") + 1].partition(":")
        assert f"def {function}(" in (ROOT / path.removeprefix("/")).read_text()

    def test_the_sink_accepts_the_mounted_file_with_its_environment(self):
        services = compose()["services"]
        loaded = load(ROOT / "config" / "sink.properties", environ=services["sink"]["environment"])
        function = services["function"]["command"]
        assert loaded.sink.aws_lambda_function_name == function[function.index("--name") + 1]
        assert loaded.sink.aws_lambda_endpoint_url == f"http://127.0.0.1:{function[function.index('--port') + 1]}"
        assert loaded.sink.aws_lambda_region == inspect.signature(Function).parameters["region"].default
        assert loaded.sink.bootstrap_servers == "kafka:9092"
        assert f"--create --if-not-exists --topic {loaded.sink.topics[0]} " in services["records"]["command"][0]
        assert {topic for _, topic in loaded.sink.report_topics} == {"orders-results", "orders-errors"}
        assert seconds(services["sink"]["stop_grace_period"]) * 1000 > loaded.sink.shutdown_timeout_ms

    def test_the_function_is_started_with_options_that_exist(self):
        name, *arguments = compose()["services"]["function"]["command"]
        assert isinstance(command, click.Group)
        options = {option for parameter in command.commands[name].params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= options

    def test_its_images_are_pinned(self):
        images = [service["image"] for service in compose()["services"].values() if "image" in service]
        assert all(re.fullmatch(r"[\w./-]+:\d[\w.]*", image) for image in images)


class TestDeployment:
    def test_follows_the_api_strictly(self):
        for document in manifests():
            check_manifest(document)

    def test_the_schema_refuses_what_the_api_does_not_know(self):
        document = manifest("Deployment")
        document["spec"]["template"]["spec"]["containers"][0]["volumeMount"] = []
        with pytest.raises(jsonschema.ValidationError, match="volumeMount"):
            check_manifest(document)

    def test_mounts_the_volumes_it_has(self):
        pod = manifest("Deployment")["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
        assert volumes["config"]["configMap"]["name"] == manifest("ConfigMap")["metadata"]["name"]

    def test_reads_the_file_of_its_config_map(self):
        (container,) = manifest("Deployment")["spec"]["template"]["spec"]["containers"]
        (mounted,) = [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "config"]
        path = Path(container["args"][container["args"].index("--config") + 1])
        assert str(path.parent) == mounted
        assert path.name in manifest("ConfigMap")["data"]

    def test_the_sink_accepts_the_file_and_has_time_to_stop(self, tmp_path):
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        (secrets / "sasl.jaas.config").write_text(
            'org.apache.kafka.common.security.scram.ScramLoginModule required username="sink" password="pw";\n'
        )
        config = tmp_path / "sink.properties"
        text = manifest("ConfigMap")["data"]["sink.properties"]
        pod = manifest("Deployment")["spec"]["template"]["spec"]
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert mounts["secrets"] in text
        config.write_text(text.replace(mounts["secrets"], str(secrets)))

        loaded = load(config, environ={})

        assert (loaded.ignored, loaded.warnings) == ([], [])
        assert pod["terminationGracePeriodSeconds"] * 1000 > loaded.sink.shutdown_timeout_ms

    def test_selects_its_own_pods(self):
        spec = manifest("Deployment")["spec"]
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()

    def test_runs_the_version_of_this_tree_as_the_user_of_the_image(self):
        pod = manifest("Deployment")["spec"]["template"]["spec"]
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert pod["containers"][0]["image"] == f"kafka-lambda-sink:{version}"
        assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}\n" in dockerfile()


def dockerfile():
    return (ROOT / "Dockerfile").read_text()


class TestDockerfile:
    def test_passes_hadolint(self):
        hadolint = Path(sys.executable).with_name("hadolint")
        done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("", 0)

    def test_copies_what_exists_and_is_not_ignored(self):
        allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        copied = [
            source
            for line in dockerfile().splitlines()
            if line.startswith("COPY") and "--from" not in line
            for source in line.split()[1:-1]
        ]
        assert copied
        assert [source for source in copied if not (ROOT / source).exists()] == []
        assert [source for source in copied if not any(fnmatch.fnmatch(source, name) for name in allowed)] == []

    def test_starts_a_command_that_the_package_installs(self):
        (entrypoint,) = re.findall(r"^ENTRYPOINT (\[.+\])$", dockerfile(), re.MULTILINE)
        scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
        assert json.loads(entrypoint)[0] in scripts


def locked(name):
    """Version of each package in a lock file."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / name).read_text(), re.MULTILINE))


class TestLock:
    def test_has_every_dependency_in_a_version_that_is_allowed(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        declared = {
            "requirements.lock": [
                *project["project"]["dependencies"],
                *project["project"]["optional-dependencies"]["local"],
            ],
            "requirements-build.lock": project["build-system"]["requires"],
        }
        wrong = [
            str(requirement)
            for name, requirements in declared.items()
            for requirement in map(Requirement, requirements)
            if not requirement.specifier.contains(locked(name).get(canonicalize_name(requirement.name), "0"))
        ]
        assert wrong == [], "run scripts/lock"

    @pytest.mark.parametrize("name", LOCKS)
    def test_has_a_hash_for_everything_and_names_no_index(self, name):
        text = (ROOT / name).read_text()
        entries = [entry for entry in re.split(r"\n(?=[a-z])", text) if "==" in entry]
        assert len(entries) == len(locked(name)) > 0
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
        assert "://" not in text
        assert "--index" not in text
