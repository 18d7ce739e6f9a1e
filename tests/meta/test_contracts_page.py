"""What docs/contracts.md shows is what formats make, and what contracts make of replies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kafka_lambda_sink.contracts.formats.aws_event import build_aws_msk, build_aws_self_managed
from kafka_lambda_sink.contracts.formats.cloudevents import build_cloudevents
from kafka_lambda_sink.contracts.formats.confluent import build_confluent
from kafka_lambda_sink.contracts.formats.envelope import enveloped
from kafka_lambda_sink.contracts.formats.function_connector import FunctionRequest, build_function_connector
from kafka_lambda_sink.contracts.formats.nordstrom import build_nordstrom_json, build_nordstrom_plain
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.rows import RowOptions, build_rows
from kafka_lambda_sink.contracts.formats.values import build_values
from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.entry_points import CheckedContract
from kafka_lambda_sink.contracts.replies.error_replies import ErrorReplies
from kafka_lambda_sink.contracts.replies.function_connector import EntityTopics, FunctionConnector, FunctionOptions
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.routed_records import RoutedRecordsContract
from kafka_lambda_sink.contracts.replies.routes import Routes
from kafka_lambda_sink.contracts.replies.row_errors import RowErrors
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.contracts.report_format import ReportFormat
from kafka_lambda_sink.contracts.reports import ResultReports
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply, Report
from tests.support.formatting import batch_of, path_to
from tests.support.records import TP, record

PAGE = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
SERVERS = "b1:9092,b2:9092"
RECORD = record(41, b'{"id":1}', b"k1", headers=[("trace", b"ab")])

FORMATS = {
    "confluent": build_confluent(),
    "confluent-escaped": build_confluent(escaped=("key", "value")),
    "aws-self-managed": build_aws_self_managed(bootstrap_servers=SERVERS),
    "aws-msk": build_aws_msk(
        bootstrap_servers=SERVERS, event_source_arn="arn:aws:kafka:eu-west-1:123456789012:cluster/orders/abc-1"
    ),
    "nordstrom-plain": build_nordstrom_plain(),
    "nordstrom-json": build_nordstrom_json(),
    "rows": build_rows(RowOptions()),
    "cloudevents": build_cloudevents(event_type="com.example.order", connector="c"),
    "values": build_values(),
}


def example(section: str, language: str = "json") -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)\n```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    text: str = found
    return text


def batch(request_format: RequestFormat) -> Batch:
    return batch_of(request_format, path_to(request_format), RECORD)


def failed(contract: ReplyContract, reply: str, sent: Batch) -> list[int]:
    return [sent.records[index].offset() for index in contract.judge(InvokeReply(200, reply.encode()), sent).failed]


@pytest.mark.parametrize("name", FORMATS)
def test_a_request_is_as_shown(name: str):
    assert batch(FORMATS[name]).payload.decode() == example(name)


def test_a_request_of_a_function_with_a_state_is_as_shown():
    request = FunctionRequest(connector="c", secrets='{"apiToken":"…"}'.encode())
    sent = batch(build_function_connector(request))
    state = FunctionConnector(TP, b'{"cursor":40}', function_options(request))
    assert state.request(sent).decode() == example("function-connector")


def test_rows_are_written_as_shown():
    section = "A state, and rows of entities"
    request = FunctionRequest(connector="c")
    sent = batch(build_function_connector(request))
    contract = FunctionConnector(TP, None, function_options(request))
    verdicts = contract.judge(InvokeReply(200, example(section).encode()), sent)
    reports, _ = ResultReports("results", ReportFormat()).of(sent, verdicts.results)
    shown = re.findall(r"^\| `(.*)` \| `(.*)` \| (.*) \|$", SECTIONS[section], re.MULTILINE)
    assert [
        (it.topic, (it.key or b"").decode(), "a tombstone" if it.value is None else f"`{it.value.decode()}`")
        for it in reports
    ] == shown
    assert contract.state == b'{"cursor":41}'


def function_options(request: FunctionRequest) -> FunctionOptions:
    topics = EntityTopics("${entity}", "c", Routes(None, frozenset({"customers"})))
    return FunctionOptions(request=request, topic_of=topics.of, max_calls=100)


def test_a_template_makes_what_is_shown():
    section = "A template of your own"
    template = re.findall(r"^    (.*)$", SECTIONS[section], re.MULTILINE)[0]
    assert batch(enveloped(build_values(), template, connector="c")).payload.decode() == example(section)


ROWS = re.findall(r"^\| `(.*)` \| (.*) \|$", SECTIONS["batch-item-failures"], re.MULTILINE)


@pytest.mark.parametrize(("reply", "says"), ROWS)
def test_a_reply_says_what_is_shown(reply: str, says: str):
    sent, contract = batch(build_values()), BatchItemFailures(TP)
    if says == "the batch failed":
        with pytest.raises(ReplyError):
            failed(contract, reply, sent)
    else:
        assert failed(contract, reply, sent) == {"all delivered": [], "41 failed": [41]}[says]


def test_the_replies_of_the_other_contracts():
    assert len(ROWS) == 11
    assert failed(BatchItemFailures(TP), example("batch-item-failures"), batch(build_values())) == [41]
    assert failed(RowErrors(), example("row-errors"), batch(FORMATS["rows"])) == [41]
    with pytest.raises(FunctionError, match="NameError: name 'response' is not defined"):
        failed(ErrorReplies(NoContract()), example("Errors in replies"), batch(build_values()))


ROUTING = "Results that say where they go"
ROUTED = {
    "{}": "to the response topic, with the source record's coordinates as its key",
    '{"topic":"audit"}': "to `audit`",
    '{"key":"k1"}': "with the key `k1`",
    '{"key":{"id": 1}}': 'with the key `{"id":1}`: what is not a string is compact JSON',
    '{"key":null}': "without a key",
    '{"headers":{"kind":"order","by":null}}': "with these headers, before the `input_record_*` that every result has",
}


def written(reply: str) -> Report:
    sent = batch(build_values())
    contract = RoutedRecordsContract(TP, Routes("results", frozenset({"audit"})))
    verdicts = contract.judge(InvokeReply(200, reply.encode()), sent)
    ((report,), _) = ResultReports("results", ReportFormat()).of(sent, verdicts.results)
    return report


def test_a_result_that_says_where_it_goes():
    report = written(example(ROUTING))
    assert (report.topic, report.key, report.value) == ("audit", b"k1", b'{"id":1}')
    assert report.headers[0] == ("kind", b"order")
    assert dict(re.findall(r"^\| `(.*?)` \| (.*) \|$", SECTIONS[ROUTING], re.MULTILINE)) == ROUTED


def test_what_single_routes_write():
    before, _ = example(ROUTING).split('"route":')
    of = {route: written(f'{before}"route":{route}}}]') for route in ROUTED}
    usual, with_headers = of["{}"], of['{"headers":{"kind":"order","by":null}}']
    assert (usual.topic, usual.key) == ("results", b'{"topic":"orders","partition":3,"offset":41}')
    assert of['{"topic":"audit"}'].topic == "audit"
    assert [of[f'{{"key":{key}}}'].key for key in ('"k1"', '{"id": 1}', "null")] == [b"k1", b'{"id":1}', None]
    assert with_headers.headers == (("kind", b"order"), ("by", None), *usual.headers)
    assert all(name.startswith("input_record_") for name, _ in usual.headers)


def test_the_contract_of_ones_own():
    namespace: dict[str, Any] = {}
    exec(example("A contract of your own", "python"), namespace)
    contract = CheckedContract("statuses", namespace["Statuses"](TP), Routes())
    sent = batch(build_values())
    assert failed(contract, '["ok"]', sent) == []
    assert failed(contract, '["no"]', sent) == [41]
    for reply in ("[]", "{", "null"):
        with pytest.raises(ReplyError):
            failed(contract, reply, sent)
