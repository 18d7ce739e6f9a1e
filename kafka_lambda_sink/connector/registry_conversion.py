"""The converters that need a schema registry, as the configuration has them. Each is imported where it is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.converters.converter import Converter
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.core.ports import SchemaRegistry

if TYPE_CHECKING:
    from kafka_lambda_sink.converters.protobuf_connect import ProtobufForm


@dataclass(frozen=True, slots=True)
class RegistryConversion:
    """How keys or values are converted whose schemas are in a registry."""

    config: SinkConfig
    #: `key` or `value`.
    part: str
    #: Of the converter's RecordErrors.
    stage: str
    registry: SchemaRegistry

    def converter(self, form: JsonForm) -> Converter:
        """To JSON."""
        if self._name == "avro":
            from kafka_lambda_sink.converters.avro import build_avro_converter  # noqa: PLC0415 - rarely used

            return build_avro_converter(self.registry, form, stage=self.stage, enhanced=self._is_enhanced)
        if self._name == "protobuf":
            from kafka_lambda_sink.converters.protobuf import build_protobuf_converter  # noqa: PLC0415 - rarely used

            return build_protobuf_converter(self.registry, form, stage=self.stage, protobuf_form=self._protobuf_form())
        from kafka_lambda_sink.converters.json_schema import build_json_schema_converter  # noqa: PLC0415 - rarely used

        return build_json_schema_converter(self.registry, stage=self.stage, validates=self._validates)

    def reader(self) -> Reader:
        """To Connect's data."""
        if self._name == "avro":
            from kafka_lambda_sink.converters.avro import build_avro_reader  # noqa: PLC0415 - rarely used

            return build_avro_reader(self.registry, stage=self.stage, enhanced=self._is_enhanced)
        if self._name == "protobuf":
            from kafka_lambda_sink.converters.protobuf import build_protobuf_reader  # noqa: PLC0415 - rarely used

            return build_protobuf_reader(self.registry, stage=self.stage, protobuf_form=self._protobuf_form())
        from kafka_lambda_sink.converters.json_schema import build_json_schema_reader  # noqa: PLC0415 - rarely used

        return build_json_schema_reader(self.registry, stage=self.stage, validates=self._validates)

    @property
    def _name(self) -> str:
        return str(getattr(self.config, f"{self.part}_converter"))

    @property
    def _is_enhanced(self) -> bool:
        return bool(self._setting("enhanced_avro_schema_support"))

    @property
    def _validates(self) -> bool:
        return bool(self._setting("json_fail_invalid_schema"))

    def _protobuf_form(self) -> ProtobufForm:
        from kafka_lambda_sink.converters.protobuf_connect import ProtobufForm  # noqa: PLC0415 - rarely used

        return ProtobufForm(
            has_union_index=self._setting("generate_index_for_unions"),
            is_flat=self._setting("flatten_unions"),
            has_enum_numbers=self._setting("int_for_enums"),
            unwraps=self._setting("wrapper_for_nullables"),
        )

    def _setting(self, name: str) -> Any:
        return getattr(self.config, f"{self.part}_converter_{name}")
