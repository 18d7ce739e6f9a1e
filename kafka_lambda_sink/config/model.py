"""The one model of a connector's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from kafka_lambda_sink.config.function_name import parse_function_name
from kafka_lambda_sink.config.groups.connector import ConnectorGroup
from kafka_lambda_sink.config.groups.converters import ConverterGroup
from kafka_lambda_sink.config.groups.delivery import BatchGroup, ErrorGroup, RecoveryGroup, RetryGroup
from kafka_lambda_sink.config.groups.function import CredentialsGroup, FunctionGroup
from kafka_lambda_sink.config.groups.function_connector import FunctionConnectorGroup
from kafka_lambda_sink.config.groups.invocation import InvocationGroup
from kafka_lambda_sink.config.groups.load import LoadGroup
from kafka_lambda_sink.config.groups.ordering import OrderingGroup
from kafka_lambda_sink.config.groups.process import ProcessGroup
from kafka_lambda_sink.config.groups.registry import RegistryGroup
from kafka_lambda_sink.config.groups.reports import ReportGroup
from kafka_lambda_sink.config.groups.request import RequestGroup, contract_named
from kafka_lambda_sink.config.groups.transforms import TransformGroup
from kafka_lambda_sink.config.layers import LAYERS, layer_sources
from kafka_lambda_sink.core.java_regex import compile_java_regex

#: In the order of the reference.
GROUPS = (
    ConnectorGroup,
    FunctionGroup,
    CredentialsGroup,
    InvocationGroup,
    ConverterGroup,
    RegistryGroup,
    TransformGroup,
    RequestGroup,
    FunctionConnectorGroup,
    BatchGroup,
    OrderingGroup,
    ErrorGroup,
    RecoveryGroup,
    ReportGroup,
    RetryGroup,
    LoadGroup,
    ProcessGroup,
)

#: Lambda takes 6 MB (sync) and 1 MB (async) a call; batches stay below it by a margin.
_BATCH_MAX_BYTES = {"sync": 6_000_000, "async": 1_000_000}

#: Classes of Confluent's connector, whose replies are `records`.
_CONFLUENT = "io.confluent."


class SinkConfig(
    ProcessGroup,
    LoadGroup,
    RetryGroup,
    ReportGroup,
    RecoveryGroup,
    ErrorGroup,
    OrderingGroup,
    BatchGroup,
    FunctionConnectorGroup,
    RequestGroup,
    TransformGroup,
    RegistryGroup,
    ConverterGroup,
    InvocationGroup,
    CredentialsGroup,
    FunctionGroup,
    ConnectorGroup,
    BaseSettings,
):
    """Everything that one connector is told, but for the properties of its Kafka clients (`ClientProperties`).

    An attribute is named as its property, with `_` for `.`. Times are in the unit of the property. Build one with
    `load`, or in tests with keyword arguments: nothing is read from the environment here.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the layers of `from_layers`, or else keyword arguments only: the environment is a layer of ours."""
        return layer_sources(settings_cls, init_settings) or (init_settings,)

    @classmethod
    def from_layers(cls, layers: Sequence[Mapping[str, str | None]]) -> Self:
        """Build from values by attribute, the first layer that has one wins. Raises pydantic's ValidationError."""
        carried: dict[str, Any] = {LAYERS: layers}
        return cls(**carried)

    @cached_property
    def topic_functions(self) -> Mapping[str, str]:
        """The functions of single topics; none where all topics go to one."""
        return dict(self.aws_lambda_topic2function_map) if self.aws_lambda_configuration_mode == "multiple" else {}

    def function_of(self, topic: str) -> str | None:
        """The function that the records of a topic go to, or None where it has none."""
        return self.topic_functions.get(topic, self.aws_lambda_function_name)

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """Each function that records may go to, as it is written."""
        topics = self.topics or [topic for topic in self.topic_functions if self.selects(topic)]
        named = [self.function_of(topic) for topic in topics]
        if not self.topics:
            # What a regular expression comes to match.
            named.append(self.aws_lambda_function_name)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def region_of(self, function: str) -> str | None:
        """The region of the function's ARN, else `aws.lambda.region`, else None: ask the AWS SDK."""
        return parse_function_name(function).region or self.aws_lambda_region

    @property
    def batch_max_bytes(self) -> int:
        """Most bytes of an encoded payload."""
        return self.aws_lambda_batch_max_bytes or _BATCH_MAX_BYTES[self.aws_lambda_invocation_type]

    @cached_property
    def topics_pattern(self) -> re.Pattern[str] | None:
        """`topics.regex`, compiled; to be used with `fullmatch`. None where `topics` lists them."""
        return None if self.topics_regex is None else compile_java_regex(self.topics_regex)

    @property
    def topics_text(self) -> str:
        """What `topics` or `topics.regex` says."""
        return self.topics_regex or ",".join(self.topics)

    def selects(self, topic: str) -> bool:
        """Whether a topic of this name is read."""
        pattern = self.topics_pattern
        return topic in self.topics if pattern is None else pattern.fullmatch(topic) is not None

    @property
    def own_contract(self) -> str | None:
        """The name of a reply contract of the user's own: classes of Confluent's connector stand for one of ours."""
        name = self.result_handler_class
        return None if not name or name.startswith(_CONFLUENT) or contract_named(name) else name

    @property
    def is_function_connector(self) -> bool:
        """Whether functions keep a state."""
        return self.aws_lambda_request_format == "function-connector"

    @property
    def routing_topics(self) -> tuple[str, ...]:
        """The topics that replies may name beside the response topic."""
        may_name = self.aws_lambda_reply_routing or self.is_function_connector
        has_routes = may_name and self.aws_lambda_invocation_type == "sync"
        own = self.aws_lambda_reply_routing_topics if has_routes else ()
        return tuple(topic for topic in own if topic != self.aws_lambda_response_topic)

    @property
    def report_topics(self) -> list[tuple[str, str]]:
        """The topics that are written, each behind the key that names it.

        An asynchronous connector has no results, and one that tolerates no errors has no dead letters but those of
        the function.
        """
        has_results = self.aws_lambda_invocation_type == "sync"
        has_dead_letters = self.errors_tolerance == "all" or self.errors_deadletterqueue_function_errors_enable
        named = [
            ("aws.lambda.response.topic", self.aws_lambda_response_topic if has_results else None),
            *(("aws.lambda.reply.routing.topics", topic) for topic in self.routing_topics),
            ("aws.lambda.error.topic", self.aws_lambda_error_topic),
            ("errors.deadletterqueue.topic.name", self.errors_deadletterqueue_topic_name if has_dead_letters else None),
        ]
        return [(key, topic) for key, topic in named if topic]
