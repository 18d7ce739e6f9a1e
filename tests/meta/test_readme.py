"""What README.md shows is what the code does."""

import json
import re
import tomllib
from pathlib import Path
from typing import get_args

import click
import pytest

from kafka_lambda_sink.cli.main import command
from kafka_lambda_sink.config.groups.delivery import BehaviorOnError
from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.contracts.report_format import ReportFormat
from kafka_lambda_sink.contracts.reports import ErrorReports, ResultReports
from kafka_lambda_sink.contracts.request import Conversion, PlainConverter, encode
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError
from kafka_lambda_sink.core.outcome import BatchFailure
from kafka_lambda_sink.worker.exit_codes import ExitCode
from tests.support.records import TP, record

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def shown(heading):
    """Key and value of the first example after `heading`."""
    part = README[README.index(heading) :]
    ((key, value), *_) = re.findall(r"^    key +(\{.*?\})$\n    value +(\{.*?\})$\n\n", part, re.DOTALL | re.MULTILINE)
    return key, " ".join(value.split())


@pytest.fixture
def batch():
    """The record that the examples are about."""
    value = {"customer": "ada", "quantity": 3, "unit_price": 250}
    order = record(43822, json.dumps(value).encode(), b"order-7", timestamp=(1, 1562844607000))
    converter = PlainConverter(
        TP,
        build_converter("string", is_key=True, schemas_enable=False, escaped=False),
        build_converter("json", is_key=False, schemas_enable=False, escaped=False),
    )
    conversion = Conversion()
    converter.convert([order], conversion)
    return Batch(encode(conversion.entries), [order], conversion.entries)


def test_the_request_is_what_the_function_gets(batch):
    request, _ = blocks("json")
    assert json.loads(request) == json.loads(batch.payload)


def test_the_reply_is_accepted_and_becomes_the_result_shown(batch):
    _, reply = blocks("json")
    texts = ReplyChecker(TP).check(reply.encode(), batch)
    ((report,), _) = ResultReports("orders-results", ReportFormat()).of(batch, texts)
    key, value = shown("**With a response topic**")
    assert report.key == key.encode()
    assert json.loads(report.value or b"") == json.loads(value)


def test_the_error_record_has_the_fields_shown(batch):
    failure = BatchFailure(error=FunctionError("Unhandled"), function_error="Unhandled", status_code=200)
    report, _ = ErrorReports("orders-errors", "orders", ReportFormat()).of(batch, batch.payload, failure)
    key, value = shown("**With an error topic**")
    assert report.key == key.encode()
    made, example = json.loads(report.value or b""), json.loads(value)
    assert list(made) == list(example)
    same = ("functionName", "statusCode", "functionError", "logResult")
    assert [made[field] for field in same] == [example[field] for field in same]


def test_the_five_keys_are_enough(tmp_path):
    (five,) = blocks("properties")
    path = tmp_path / "sink.properties"
    path.write_text(five)
    loaded = load(path, environ={})
    assert len(loaded.used) == 5
    assert loaded.clients.group_id == "connect-orders"


def documented_commands():
    return set(re.findall(r"^\| `kafka-lambda-sink ([a-z]+)", README, re.MULTILINE))


def test_every_command_is_documented():
    assert isinstance(command, click.Group)
    assert command.commands.keys() <= documented_commands()


def test_every_documented_command_exists():
    assert isinstance(command, click.Group)
    assert documented_commands() <= command.commands.keys()


def test_every_option_exists():
    options = {option for parameter in command.params for option in parameter.opts}
    for subcommand in command.commands.values():
        options |= {option for parameter in subcommand.params for option in parameter.opts}
    assert {"--config", "--worker", "--set", "--version"} <= set(re.findall(r"--[a-z]+", README)) & options


def test_the_exit_codes_are_the_documented_ones():
    documented = {int(code) for code in re.findall(r"^\| (\d) \| ", README, re.MULTILINE)}
    assert documented == {code.value for code in ExitCode}


def test_every_behavior_on_error_is_documented():
    assert set(re.findall(r"^\| `(fail|[a-z]+)`(?: \(default\))? \| ", README, re.MULTILINE)) == set(
        get_args(BehaviorOnError)
    )


def test_the_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    make (\w+)", README, re.MULTILINE)) == {"demo", "test"} <= targets


def test_it_needs_the_python_that_the_package_needs():
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f"Python {requires.removeprefix('>=')} or later" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
