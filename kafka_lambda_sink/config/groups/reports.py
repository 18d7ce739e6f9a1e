"""The response and error topics."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kafka_lambda_sink.config.declaration import ANY_CASE, LOW, Declared, Group

ReportFormat = Literal["string", "json"]
_REPLICAS = "replicas"


class ReportGroup(Group):
    """Results and failures, written to topics.

    Any `reporter.*` key switches both topics on, as in the Confluent connector: their names are then
    `${connector}-success` and `${connector}-error` unless set, and a blank name is off.
    """

    title: ClassVar[str] = "Response and error topics"

    aws_lambda_response_topic: Annotated[str | None, Declared("high", aliases=("reporter.result.topic.name",))] = None
    """Topic for the results of the function, one record for each input record (sync only). Blank: none. Its producer
    takes properties under `aws.lambda.response.` or `reporter.producer.`."""

    reporter_result_topic_key_format: Annotated[ReportFormat, LOW, ANY_CASE] = "string"
    """Format of the keys in the response topic: `string` (compact JSON text) or `json`."""

    reporter_result_topic_key_format_schemas_enable: Annotated[bool, LOW] = False
    """Whether JSON keys in the response topic are in Connect's envelope of `schema` and `payload`."""

    reporter_result_topic_value_format: Annotated[ReportFormat, LOW, ANY_CASE] = "string"
    """Format of the values in the response topic."""

    reporter_result_topic_value_format_schemas_enable: Annotated[bool, LOW] = False
    """Whether JSON values in the response topic are in Connect's envelope."""

    reporter_result_topic_partitions: Annotated[
        int, Declared("low", unit="partitions", aliases=("aws.lambda.response.partitions",))
    ] = Field(default=-1, ge=-1, le=100_000)
    """Partitions of the response topic where it has to be created. -1: the broker's default. With `reporter.*` keys
    the default is 1."""

    reporter_result_topic_replication_factor: Annotated[
        int, Declared("low", unit=_REPLICAS, aliases=("aws.lambda.response.replication.factor",))
    ] = Field(default=-1, ge=-1, le=32_767)
    """Replicas of the response topic where it has to be created. -1: the broker's default. With `reporter.*` keys the
    default is 3."""

    aws_lambda_error_topic: Annotated[str | None, Declared("high", aliases=("reporter.error.topic.name",))] = None
    """Topic for failed batches: what was sent, what came back. Blank: none. Its producer takes properties under
    `aws.lambda.error.` or `reporter.producer.`."""

    reporter_error_topic_key_format: Annotated[ReportFormat, LOW, ANY_CASE] = "string"
    """Format of the keys in the error topic."""

    reporter_error_topic_key_format_schemas_enable: Annotated[bool, LOW] = False
    """Whether JSON keys in the error topic are in Connect's envelope."""

    reporter_error_topic_value_format: Annotated[ReportFormat, LOW, ANY_CASE] = "string"
    """Format of the values in the error topic."""

    reporter_error_topic_value_format_schemas_enable: Annotated[bool, LOW] = False
    """Whether JSON values in the error topic are in Connect's envelope."""

    reporter_error_topic_partitions: Annotated[
        int, Declared("low", unit="partitions", aliases=("aws.lambda.error.partitions",))
    ] = Field(default=-1, ge=-1, le=100_000)
    """Partitions of the error topic where it has to be created. -1: the broker's default. With `reporter.*` keys the
    default is 1."""

    reporter_error_topic_replication_factor: Annotated[
        int, Declared("low", unit=_REPLICAS, aliases=("aws.lambda.error.replication.factor",))
    ] = Field(default=-1, ge=-1, le=32_767)
    """Replicas of the error topic where it has to be created. -1: the broker's default. With `reporter.*` keys the
    default is 3."""
