"""The request format and the reply contract of a connector, as the configuration has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat, single
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.records import RecordsContract
from kafka_lambda_sink.contracts.replies.routes import Routes
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.core.record import TopicPartition

if TYPE_CHECKING:
    from kafka_lambda_sink.contracts.formats.function_connector import FunctionRequest

#: From a partition, and what its last owner's function left behind, to what reads its replies.
ContractMaker: TypeAlias = Callable[[TopicPartition, bytes | None], ReplyContract]

_ESCAPED: Final = "EscapedJsonKeyValueConverter"
_PARTS: Final = ("key", "value")
#: Bare arrays whose one entry is sent by itself with `aws.lambda.batch.enabled=false`, as Nordstrom's connector does.
#: Confluent's own sends its array with one record in it.
_BARE: Final = frozenset({"nordstrom-plain", "nordstrom-json", "cloudevents", "values"})
#: Converter → what AWS calls the data of a schema registry.
_DATA_FORMATS: Final = {"avro": "AVRO", "jsonschema": "JSON", "protobuf": "PROTOBUF"}


def is_plain_format(config: SinkConfig) -> bool:
    """Whether requests are those of the fast path."""
    return (
        config.aws_lambda_request_format in {"confluent", "confluent-escaped"} and not config.aws_lambda_record_headers
    )


def is_escaped(config: SinkConfig) -> bool:
    """Whether keys and values without a schema are strings with JSON in them."""
    return config.record_converter_class == _ESCAPED or config.aws_lambda_request_format == "confluent-escaped"


def build_request_format(config: SinkConfig) -> RequestFormat:
    """The format of requests. Raises ConfigError for options that do not fit it."""
    try:
        made = _FORMATS[config.aws_lambda_request_format](config)
    except ValueError as error:
        raise _unfit("aws.lambda.request.format", error) from None
    if config.aws_lambda_request_format in _BARE and not config.aws_lambda_batch_enabled:
        made = single(made)
    template = config.aws_lambda_request_template
    if template is None:
        return made
    from kafka_lambda_sink.contracts.formats.envelope import enveloped  # noqa: PLC0415 - rarely used

    try:
        return enveloped(made, template, connector=config.name)
    except ValueError as error:
        raise _unfit("aws.lambda.request.template", error) from None


def _unfit(key: str, error: ValueError) -> ConfigError:
    return ConfigError([Problem(key=key, message=str(error), error_id="invalid-value")])


def request_problems(config: SinkConfig) -> list[Problem]:
    """What is wrong with the options of requests and replies."""
    problems: list[Problem] = []
    for build in (lambda: build_request_format(config), lambda: contract_maker(config)):
        try:
            build()
        except ConfigError as error:
            problems += error.problems
    return problems


def _confluent(config: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.confluent import build_confluent  # noqa: PLC0415 - as the others

    # JSON with a schema of a registry has one in Connect, though here it is read as if it had none.
    parts = {part for part in _PARTS if getattr(config, f"{part}_converter") != "jsonschema"}
    return build_confluent(escaped=parts if is_escaped(config) else (), writes_headers=config.aws_lambda_record_headers)


def _aws(config: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.aws_event import (  # noqa: PLC0415 - rarely used
        MSK,
        SELF_MANAGED,
        build_aws_msk,
        build_aws_self_managed,
    )
    from kafka_lambda_sink.contracts.formats.aws_parts import AwsPart, RegistryPart  # noqa: PLC0415 - rarely used

    def part(name: str) -> AwsPart | None:
        data_format = _DATA_FORMATS.get(getattr(config, f"{name}_converter"))
        if data_format is None:
            return None
        return RegistryPart(data_format, config.aws_lambda_request_record_format)  # type: ignore[arg-type]  # of a table

    key, value = part("key"), part("value")
    source = config.aws_lambda_request_event_source
    if config.aws_lambda_request_format == "aws-self-managed":
        return build_aws_self_managed(
            bootstrap_servers=config.bootstrap_servers, event_source=source or SELF_MANAGED, key=key, value=value
        )
    return build_aws_msk(
        bootstrap_servers=config.bootstrap_servers,
        event_source_arn=config.aws_lambda_request_event_source_arn or "",
        event_source=source or MSK,
        key=key,
        value=value,
    )


def _nordstrom_plain(_: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.nordstrom import build_nordstrom_plain  # noqa: PLC0415 - rarely used

    return build_nordstrom_plain()


def _nordstrom_json(config: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.nordstrom import build_nordstrom_json  # noqa: PLC0415 - rarely used

    return build_nordstrom_json(
        key_visibility=config.payload_formatter_key_schema_visibility,
        value_visibility=config.payload_formatter_value_schema_visibility,
    )


def _rows(config: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.rows import RowOptions, build_rows  # noqa: PLC0415 - rarely used

    return build_rows(
        RowOptions(
            sync_mode=config.aws_lambda_request_rows_sync_mode,
            operation_header=config.aws_lambda_request_rows_operation_header,
            operation_field=config.aws_lambda_request_rows_operation_field,
            primary_key=config.aws_lambda_request_rows_primary_key,
        )
    )


def _cloudevents(config: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.cloudevents import build_cloudevents  # noqa: PLC0415 - rarely used

    return build_cloudevents(
        source=config.aws_lambda_request_cloudevents_source,
        event_type=config.aws_lambda_request_cloudevents_type or "",
        connector=config.name,
    )


def _values(_: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.values import build_values  # noqa: PLC0415 - rarely used

    return build_values()


def _function_connector(config: SinkConfig) -> RequestFormat:
    from kafka_lambda_sink.contracts.formats.function_connector import (  # noqa: PLC0415 - rarely used
        build_function_connector,
    )

    return build_function_connector(_function_request(config), writes_headers=config.aws_lambda_record_headers)


def _function_request(config: SinkConfig) -> FunctionRequest:
    from kafka_lambda_sink.contracts.formats.function_connector import FunctionRequest  # noqa: PLC0415 - rarely used

    secrets = config.aws_lambda_function_connector_secrets
    return FunctionRequest(
        connector=config.name, secrets=secrets.get_secret_value().encode() if secrets is not None else b""
    )


_FORMATS: Final[dict[str, Callable[[SinkConfig], RequestFormat]]] = {
    "confluent": _confluent,
    "confluent-escaped": _confluent,
    "aws-self-managed": _aws,
    "aws-msk": _aws,
    "nordstrom-plain": _nordstrom_plain,
    "nordstrom-json": _nordstrom_json,
    "rows": _rows,
    "cloudevents": _cloudevents,
    "values": _values,
    "function-connector": _function_connector,
}


def contract_maker(config: SinkConfig) -> ContractMaker:
    """What makes the reply contract of a partition. Raises ConfigError for one that nobody has registered.

    An asynchronous invocation has no reply: it is not looked at.
    """
    if config.is_function_connector:
        return _function_connectors(config)
    make = _stateless(config)
    return lambda tp, _: make(tp)


def _function_connectors(config: SinkConfig) -> ContractMaker:
    from kafka_lambda_sink.contracts.replies.function_connector import (  # noqa: PLC0415 - rarely used
        EntityTopics,
        FunctionConnector,
        FunctionOptions,
    )

    try:
        topics = EntityTopics(config.aws_lambda_function_connector_topic, config.name, _routes(config))
    except ValueError as error:
        raise _unfit("aws.lambda.function.connector.topic", error) from None
    options = FunctionOptions(
        request=_function_request(config),
        topic_of=topics.of,
        max_calls=config.aws_lambda_function_connector_max_calls,
    )
    return lambda tp, state: FunctionConnector(tp, state, options)


def _stateless(config: SinkConfig) -> Callable[[TopicPartition], ReplyContract]:
    if config.aws_lambda_invocation_type == "async":
        return _contract("none")
    has_results = config.aws_lambda_response_topic or config.aws_lambda_reply_routing
    name = config.aws_lambda_reply_contract or ("records" if has_results else "none")
    custom = config.own_contract
    if custom:
        from kafka_lambda_sink.contracts.replies.entry_points import load_contract  # noqa: PLC0415 - rarely used

        try:
            made = load_contract(custom, _routes(config))
        except Exception as error:
            raise _unfit("result.handler.class", ValueError(f"cannot be loaded: {error}")) from error
        if made is None:
            raise _unfit("result.handler.class", ValueError(f"no installed package has registered `{custom}`"))
        make = made
    elif name == "records" and config.aws_lambda_reply_routing:
        make = _routed_records(_routes(config))
    else:
        make = _contract(name)
    if not config.aws_lambda_reply_error_message:
        return make
    from kafka_lambda_sink.contracts.replies.error_replies import ErrorReplies  # noqa: PLC0415 - rarely used

    return lambda tp: ErrorReplies(make(tp))


def _routes(config: SinkConfig) -> Routes:
    return Routes(config.aws_lambda_response_topic, frozenset(config.routing_topics))


def _routed_records(routes: Routes) -> Callable[[TopicPartition], ReplyContract]:
    from kafka_lambda_sink.contracts.replies.routed_records import RoutedRecordsContract  # noqa: PLC0415 - rarely used

    return lambda tp: RoutedRecordsContract(tp, routes)


def _contract(name: str) -> Callable[[TopicPartition], ReplyContract]:
    if name == "records":
        return RecordsContract
    if name == "batch-item-failures":
        from kafka_lambda_sink.contracts.replies.batch_item_failures import (  # noqa: PLC0415 - rarely used
            BatchItemFailures,
        )

        return BatchItemFailures
    if name == "row-errors":
        from kafka_lambda_sink.contracts.replies.row_errors import RowErrors  # noqa: PLC0415 - rarely used

        return lambda _: RowErrors()
    return lambda _: NoContract()
