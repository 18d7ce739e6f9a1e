"""`local` serves a handler, `invoke` calls it: two processes, as a user who develops a function has them."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.support.command import arguments, environment, run

HANDLER = """\
def handle(event, context):
    print("got", event)
    if event == "fail":
        raise ValueError("as asked")
    return {"event": event}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The properties that the running command prints, as a file."""
    directory = tmp_path_factory.mktemp("local")
    (directory / "app.py").write_text(HANDLER, encoding="utf-8")
    command = arguments("local", "--handler", directory / "app.py:handle", "--port", "0", "--timeout", "30")
    process = subprocess.Popen(
        command,
        env=environment({"PYTHONUNBUFFERED": "1"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process, process.stdout as out:
        lines = []
        for line in out:
            lines.append(line.strip())
            if line.startswith("Requests so far"):
                break
        printed = [line for line in lines if line.startswith(("aws.lambda.", "aws.access", "aws.secret"))]
        file = directory / "sink.properties"
        mine = ["name=orders", "topics=orders", "bootstrap.servers=localhost:1"]
        file.write_text("\n".join([*mine, *printed]), encoding="utf-8")
        yield file
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_reply_with_its_log(served):
    done = run("invoke", "--config", served, "--payload", '{"x": 1}')
    assert (done.returncode, done.stderr) == (0, "")
    head, reply = done.stdout.split("reply:\n")
    assert json.loads(reply) == {"event": {"x": 1}}
    assert "status            200" in head
    assert "executed version  $LATEST" in head
    assert "  got {'x': 1}" in head


def test_a_payload_from_a_file_and_from_standard_input(served, tmp_path):
    file = tmp_path / "event.json"
    file.write_text('["from a file"]', encoding="utf-8")
    assert "from a file" in run("invoke", "--config", served, "--payload", file).stdout
    assert "from the pipe" in run("--config", served, "invoke", "--payload", "-", stdin='"from the pipe"').stdout


def test_a_function_error_is_exit_code_1(served):
    done = run("invoke", "--config", served, "--payload", '"fail"')
    assert done.returncode == 1
    assert "function error    Unhandled" in done.stdout
    assert '"errorMessage": "as asked"' in done.stdout


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("aws.lambda.function.name=nope", 2, "Check that nope exists in region us-east-1"),
        ("aws.secret.access.key=wrong", 3, "The secret access key does not belong to the access key"),
        ("aws.lambda.endpoint.url=http://127.0.0.1:1", 1, "Check that the endpoint listens"),
        ("aws.lambda.bach.size=5", 2, "Did you mean aws.lambda.batch.size?"),
    ],
)
def test_what_goes_wrong_is_told_with_a_hint(served, override, code, message):
    done = run("invoke", "--config", served, "--set", override)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stdout == ""


def test_of_several_functions_a_topic_says_which(served):
    several = [
        *("--set", "topics=orders,returns", "--set", "aws.lambda.configuration.mode=multiple"),
        *("--set", "aws.lambda.topic2function.map=orders;app,returns;app:$LATEST"),
    ]
    done = run("invoke", "--config", served, *several, "--topic", "returns")
    assert (done.returncode, done.stderr) == (0, "")
    done = run("invoke", "--config", served, *several)
    assert done.returncode == 2
    assert "topics go to different functions: app, app:$LATEST. Say --topic" in done.stderr


def test_an_asynchronous_connector_invokes_asynchronously(served):
    done = run("invoke", "--config", served, "--set", "aws.lambda.invocation.type=async")
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["status", "202"])


def test_a_port_that_is_taken(served):
    port = served.read_text(encoding="utf-8").partition("http://127.0.0.1:")[2].partition("\n")[0]
    done = run("local", "--handler", served.parent / "app.py:handle", "--port", port)
    assert done.returncode == 2
    assert "Choose another --port" in done.stderr


def test_a_configuration_is_needed():
    done = run("invoke")
    assert done.returncode == 2
    assert "Missing option '--config'" in done.stderr
