"""The demo, end to end, as a newcomer runs it."""

from __future__ import annotations

import re
import signal
import subprocess

import pytest

from tests.support.command import arguments, environment, run
from tests.support.waiting import wait_until


def count(name, text):
    found = re.search(rf"^ *{name} +([\d,]+) ", text, re.MULTILINE)
    assert found, f"no {name} in:\n{text}"
    return int(found[1].replace(",", ""))


def test_every_record_is_accounted_for():
    # AWS settings of the user's own account are none of the demo's business.
    env = {
        "AWS_PROFILE": "no-such-profile",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    done = run("demo", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "mock cluster" in done.stdout
    assert "5 MB a partition" in done.stdout
    produced, delivered, results = (count(name, done.stdout) for name in ("produced", "delivered", "results"))
    failed, unconverted, missing = (count(name, done.stdout) for name in ("failed", "not converted", "missing"))
    assert (produced, delivered, unconverted, missing) == (3000, results, 9, 0)
    assert delivered + failed + unconverted == produced
    assert failed > 0
    rows = re.findall(r"^ +(\d) +(\d+)-(\d+) +InvalidOrder: quantity", done.stdout, re.MULTILINE)
    assert sum(int(last) - int(first) + 1 for _, first, last in rows) == failed


def test_a_handler_of_ones_own(tmp_path):
    handler = tmp_path / "app.py"
    handler.write_text("def handle(event, context):\n    return None\n", encoding="utf-8")
    done = run("demo", "--handler", f"{handler}:handle", "--records", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (count("delivered", done.stdout), count("failed", done.stdout)) == (0, 100)
    assert "InvalidResponse" in done.stdout


@pytest.mark.parametrize(
    ("handler", "message"), [("nowhere.py:handle", "there is no file"), ("handler", "is not FILE.py:FUNCTION")]
)
def test_a_handler_that_does_not_exist(handler, message):
    done = run("demo", "--handler", handler)
    assert done.returncode == 2
    assert message in done.stdout


SLOW = """\
import sys, threading
def handle(event, context):
    open(sys.path[0] + "/called", "a").close()
    threading.Event().wait(0.3)
    names = ("timestamp", "topic", "partition", "offset")
    return [{"payload": {name: record["payload"][name] for name in names} | {"result": 1}} for record in event]
"""


def test_ctrl_c_drains_and_shows_what_was_done_so_far(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW.replace("sys.path[0]", repr(str(tmp_path))), encoding="utf-8")
    command = arguments("demo", "--handler", f"{tmp_path / 'slow.py'}:handle")
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        wait_until((tmp_path / "called").exists, 20, what="the handler is called")
        demo.send_signal(signal.SIGINT)
        text, _ = demo.communicate(timeout=20)
    assert demo.returncode == 1
    assert "Traceback" not in text
    delivered, missing = count("delivered", text), count("missing", text)
    assert count("results", text) == delivered > 0
    assert missing == 3000 - delivered - count("failed", text) - count("not converted", text)
    assert "report not written" not in text
