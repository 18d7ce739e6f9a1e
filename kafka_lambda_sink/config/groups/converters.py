"""How the bytes of keys, values and headers are read."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from kafka_lambda_sink.config.declaration import HIGH, LOW, MEDIUM, Group

Converter = Literal["string", "json", "bytes"]
HeaderConverter = Literal["simple", "string", "json", "bytes"]

#: Class names of Java, with and without their package, and the names we use.
_NAMES = {
    "string": "string",
    "org.apache.kafka.connect.storage.stringconverter": "string",
    "stringconverter": "string",
    "json": "json",
    "org.apache.kafka.connect.json.jsonconverter": "json",
    "jsonconverter": "json",
    "bytes": "bytes",
    "org.apache.kafka.connect.converters.bytearrayconverter": "bytes",
    "io.confluent.connect.replicator.util.bytearrayconverter": "bytes",
    "bytearrayconverter": "bytes",
    "bytearray": "bytes",
}
_HEADER_NAMES = {
    **_NAMES,
    "simple": "simple",
    "org.apache.kafka.connect.storage.simpleheaderconverter": "simple",
    "simpleheaderconverter": "simple",
}
_NOT_BUILT = ("avro", "protobuf", "jsonschema", "double", "float", "integer", "long", "short", "boolean", "number")


def _canonical(names: dict[str, str]) -> BeforeValidator:
    def translate(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        name = names.get(value.strip().lower())
        if name is not None:
            return name
        simple = value.rsplit(".", 1)[-1].lower().replace("_", "")
        known = ", ".join(sorted(set(names.values())))
        if any(word in simple for word in _NOT_BUILT):
            raise ValueError(f"converter `{value}` is known and not built yet; there are {known}")
        raise ValueError(f"unknown converter `{value}`; there are {known}, or their Java class names")

    return BeforeValidator(translate)


def _simple_name(value: Any) -> Any:
    return value.strip().rsplit(".", 1)[-1] if isinstance(value, str) else value


class ConverterGroup(Group):
    """Bytes to values."""

    title: ClassVar[str] = "Converters"

    key_converter: Annotated[Converter, HIGH, _canonical(_NAMES)] = "string"
    """How keys are read: `string` (UTF-8 text), `json`, or `bytes` (base64 in the payload). The class names of Java
    are accepted. Connect has it in the worker file, unless the connector's own file says it."""

    key_converter_schemas_enable: Annotated[bool, LOW] = False
    """Whether JSON keys come in Connect's envelope of `schema` and `payload`. Default `true` where `key.converter` is
    set to JSON, as in Connect."""

    value_converter: Annotated[Converter, HIGH, _canonical(_NAMES)] = "json"
    """How values are read: as `key.converter`. JSON is validated and embedded as it is."""

    value_converter_schemas_enable: Annotated[bool, MEDIUM] = False
    """Whether JSON values come in Connect's envelope of `schema` and `payload`. Default `true` where
    `value.converter` is set to JSON, as in Connect, and `false` where it is not set."""

    header_converter: Annotated[HeaderConverter, LOW, _canonical(_HEADER_NAMES)] = "simple"
    """How headers are read. Headers are not part of the payload, so it is checked and has no effect."""

    record_converter_class: Annotated[
        Literal["JsonKeyValueConverter", "EscapedJsonKeyValueConverter"], LOW, BeforeValidator(_simple_name)
    ] = "JsonKeyValueConverter"
    """How a record becomes JSON in the payload. `JsonKeyValueConverter` embeds JSON; `EscapedJsonKeyValueConverter`
    writes keys and values that have no schema as a string with the JSON in it."""
