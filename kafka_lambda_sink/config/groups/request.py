"""What a request looks like, and what a reply says."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

from kafka_lambda_sink.config.declaration import ANY_CASE, LOW, MEDIUM, CommaList, Declared, Group
from kafka_lambda_sink.config.topic_selection import checked_topic_names

RequestFormatName = Literal[
    "confluent", "confluent-escaped", "aws-self-managed", "aws-msk", "nordstrom-plain", "nordstrom-json", "rows",
    "cloudevents", "values", "function-connector",
]  # fmt: skip
ReplyContractName = Literal["records", "batch-item-failures", "row-errors", "function-connector", "none"]
#: Nordstrom's classes.
_FORMATTERS = {"plainpayloadformatter": "nordstrom-plain", "jsonpayloadformatter": "nordstrom-json"}


def contract_named(handler: str | None) -> str | None:
    """The contract of ours that `result.handler.class` names, or None."""
    name = (handler or "").strip().lower()
    return name if name in get_args(ReplyContractName) else None


def _of_formatter(value: Any) -> Any:
    return _FORMATTERS.get(value.strip().rsplit(".", 1)[-1].lower(), value) if isinstance(value, str) else value


Visibility = Literal["none", "min", "all"]


class RequestGroup(Group):
    """Requests and replies."""

    title: ClassVar[str] = "Requests and replies"

    aws_lambda_request_format: Annotated[
        RequestFormatName,
        Declared("medium", aliases=("payload.formatter.class",)),
        ANY_CASE,
        BeforeValidator(_of_formatter),
    ] = "confluent"
    """What the function gets: `confluent` (and `confluent-escaped`, as with `EscapedJsonKeyValueConverter`); the event
    of AWS's own trigger (`aws-self-managed`, `aws-msk`); Nordstrom's payloads; `rows`; `cloudevents`, a JSON batch;
    `values` alone; or `function-connector`, for functions that keep a state. See docs/contracts.md."""

    aws_lambda_request_event_source: Annotated[str | None, LOW] = None
    """`eventSource` of AWS's events, where a function wants another one than `SelfManagedKafka` or `aws:kafka`."""

    aws_lambda_request_event_source_arn: Annotated[str | None, LOW] = None
    """`eventSourceArn`, the ARN of the MSK cluster; required with `aws-msk`."""

    aws_lambda_request_record_format: Annotated[Literal["JSON", "SOURCE"], LOW] = "JSON"
    """What keys and values with a schema registry are in AWS's events: `JSON`, or `SOURCE`, their own bytes without the
    registry's prefix."""

    aws_lambda_request_cloudevents_source: Annotated[str, LOW] = "/topics/${topic}"
    """`source` of CloudEvents; may have `${topic}`, `${partition}` and `${connector}`."""

    aws_lambda_request_cloudevents_type: Annotated[str | None, LOW] = None
    """`type` of CloudEvents, with the same placeholders; required with `cloudevents`."""

    aws_lambda_request_rows_sync_mode: Annotated[
        Literal["insert", "add", "remove", "upsert", "mirror"], LOW, ANY_CASE
    ] = "insert"
    """`sync_mode` of `rows`, and what a row is where nothing else says so."""

    aws_lambda_request_rows_operation_header: Annotated[str | None, LOW] = None
    """Header of a record that says the row's `operation`."""

    aws_lambda_request_rows_operation_field: Annotated[str | None, LOW] = None
    """Path of the field that says the row's `operation`."""

    aws_lambda_request_rows_primary_key: Annotated[str | None, LOW] = None
    """Path of the field that is the row's `primary_key`; the record's key where it is not set."""

    payload_formatter_key_schema_visibility: Annotated[Visibility, LOW, ANY_CASE] = "min"
    """How much of a key's schema is shown in Nordstrom's payload."""

    payload_formatter_value_schema_visibility: Annotated[Visibility, LOW, ANY_CASE] = "min"
    """How much of a value's schema is shown in Nordstrom's payload."""

    aws_lambda_request_template: Annotated[str | None, Declared("low", aliases=("envelope.template",))] = None
    """JSON of your own around the request, in which the string `"${records}"` stands for it; other strings may have
    `${topic}`, `${partition}` and `${connector}`."""

    aws_lambda_reply_contract: Annotated[ReplyContractName | None, MEDIUM, ANY_CASE] = None
    """What a reply says: `records`, an array that answers each record; `batch-item-failures`, as AWS's trigger has it;
    `row-errors`; `function-connector`, with its format alone; or `none`, it is not looked at. Not set: `records` with a
    response topic or routing, else `none`."""

    result_handler_class: Annotated[str | None, LOW] = None
    """Name of a reply contract of your own, which a Python package has registered (entry point
    `kafka_lambda_sink.contracts`), or one of the names of `aws.lambda.reply.contract`. Class names of Confluent's
    connector stand for `records`."""

    aws_lambda_reply_error_message: Annotated[bool, LOW] = False
    """Whether a reply of the form `{"errorMessage", "errorType"?, "stackTrace"?}` is a failure of the batch although
    the function ran without an error."""

    aws_lambda_reply_routing: Annotated[bool, LOW] = False
    """Whether an entry of a reply may name its topic, key and headers, or be a tombstone. See docs/contracts.md."""

    aws_lambda_reply_routing_topics: Annotated[CommaList, LOW, AfterValidator(checked_topic_names)] = ()
    """Topics that replies may name beside the response topic, with commas between. They are of its cluster, created
    with its partitions and replicas where they are missing, and written with the properties of its producer."""
