"""Any request format and any reply contract in a pipeline, on fakes: what goes beside a request, what a reply does."""

from __future__ import annotations

import json

import pytest

from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.formats.aws_event import build_aws_msk, build_aws_self_managed
from kafka_lambda_sink.contracts.formats.cloudevents import build_cloudevents
from kafka_lambda_sink.contracts.formats.confluent import build_confluent
from kafka_lambda_sink.contracts.formats.envelope import enveloped
from kafka_lambda_sink.contracts.formats.nordstrom import build_nordstrom_json, build_nordstrom_plain
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.rows import RowOptions, build_rows
from kafka_lambda_sink.contracts.formats.values import build_values
from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.error_replies import ErrorReplies
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.records import RecordsContract
from kafka_lambda_sink.contracts.replies.row_errors import RowErrors
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.delivering import Delivering, key_of, orders, value_of
from tests.support.formatting import path_to
from tests.support.records import TP

FORMATS = {
    "confluent": build_confluent(),
    "confluent-escaped": build_confluent(escaped=("key", "value")),
    "aws-self-managed": build_aws_self_managed(bootstrap_servers="b"),
    "aws-msk": build_aws_msk(bootstrap_servers="b", event_source_arn="arn"),
    "nordstrom-plain": build_nordstrom_plain(),
    "nordstrom-json": build_nordstrom_json(),
    "rows": build_rows(RowOptions()),
    "cloudevents": build_cloudevents(event_type="t", connector="c"),
    "values": build_values(),
    "template": enveloped(build_values(), '{"a":"${records}"}', connector="c"),
}
ROWS = FORMATS["rows"]
ERROR = b'{"errorMessage":"no such order","errorType":"NameError","stackTrace":[["app.py",35,"handler","x"]]}'


def delivering(
    request_format: RequestFormat, reply: InvokeReply, contract: ReplyContract, **more: object
) -> Delivering:
    options = {"behavior": "log", "topics": "errors"} | more
    return Delivering(
        orders(3, 5), reply, contract=contract, converter=path_to(request_format), frame=request_format.frame(TP),
        **options,  # type: ignore[arg-type]  # those of a test
    )  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_any_request_has_the_identity_of_its_batch_beside_it(name: str):
    contexts = CallContexts(tp=TP, connector="c", group="g", function="f", has_client_context=True)
    under_test = delivering(FORMATS[name], InvokeReply(200, b"null"), NoContract(), contexts=contexts)
    under_test.run()
    (call,) = under_test.invoker.calls
    assert call is not None
    custom = json.loads(call.client_context or b"")["custom"]
    assert (custom["topic"], custom["partition"]) == ("orders", "3")
    assert [custom[name] for name in ("firstOffset", "lastOffset", "count", "attempt")] == ["3", "5", "2", "1"]


@pytest.mark.parametrize(
    "contract",
    [RecordsContract(TP), BatchItemFailures(TP), RowErrors(), NoContract(), ErrorReplies(NoContract())],
    ids=lambda it: type(it).__name__,
)
@pytest.mark.parametrize("payload", [b"null", b"{}", b'{"errors":[]}', ERROR])
def test_an_error_of_the_function_goes_before_whatever_its_reply_says(contract: ReplyContract, payload: bytes):
    reply = InvokeReply(200, payload, function_error="Unhandled")
    under_test = delivering(ROWS, reply, contract)
    under_test.run()
    (report,) = under_test.written("errors")
    assert (key_of(report)["startOffset"], key_of(report)["endOffset"]) == (3, 6)
    assert value_of(report)["functionError"] == "Unhandled"
    assert under_test.counters.delivered == 0


def test_an_error_in_a_reply_fails_the_batch_with_its_details(caplog: pytest.LogCaptureFixture):
    under_test = delivering(ROWS, InvokeReply(200, ERROR), ErrorReplies(RowErrors()))
    under_test.run()
    (report,) = under_test.written("errors")
    value = value_of(report)
    assert (value["functionError"], value["statusCode"]) == ("Handled", 200)
    assert json.loads(value["payload"]) == json.loads(ERROR)
    (line,) = caplog.records
    assert "NameError: no such order" in str(line.fields)  # type: ignore[attr-defined]  # of our logs


def test_without_being_asked_for_an_error_in_a_reply_is_a_reply_like_any_other():
    under_test = delivering(ROWS, InvokeReply(200, ERROR), RowErrors())
    under_test.run()
    assert under_test.written("errors") == []
    assert under_test.counters.delivered == 2


def test_rows_that_failed_are_reported_each_by_itself():
    reply = b'{"statusCode":200,"errorCount":1,"errors":[{"primary_key":"k5","error":"Invalid email domain"}]}'
    under_test = delivering(ROWS, InvokeReply(200, reply), RowErrors())
    under_test.run()
    (report,) = under_test.written("errors")
    assert (key_of(report)["startOffset"], key_of(report)["endOffset"]) == (5, 6)
    assert json.loads(value_of(report)["inputPayload"])["rows"] == [
        {"data": {"n": 5}, "operation": "insert", "primary_key": "k5"}
    ]
    assert (under_test.counters.delivered, under_test.counters.failed) == (1, 1)
