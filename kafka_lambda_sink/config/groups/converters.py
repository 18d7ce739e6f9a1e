"""How the bytes of keys, values and headers are read."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from kafka_lambda_sink.config.declaration import ANY_CASE, ANY_CASE_OF_CAPITALS, HIGH, LOW, MEDIUM, Group

Converter = Literal[
    "string", "json", "bytes", "boolean", "short", "integer", "long", "float", "double",
    "avro", "protobuf", "jsonschema",
]  # fmt: skip
HeaderConverter = Literal[
    "simple", "string", "json", "bytes", "boolean", "short", "integer", "long", "float", "double",
]  # fmt: skip

_CONVERTERS = "org.apache.kafka.connect.converters."
#: Class names of Java, with and without their package, and the names we use.
_HEADER_NAMES = {
    "simple": "simple",
    "org.apache.kafka.connect.storage.simpleheaderconverter": "simple",
    "simpleheaderconverter": "simple",
    "string": "string",
    "org.apache.kafka.connect.storage.stringconverter": "string",
    "stringconverter": "string",
    "json": "json",
    "org.apache.kafka.connect.json.jsonconverter": "json",
    "jsonconverter": "json",
    "bytes": "bytes",
    "io.confluent.connect.replicator.util.bytearrayconverter": "bytes",
    "bytearrayconverter": "bytes",
    "bytearray": "bytes",
    f"{_CONVERTERS}bytearrayconverter": "bytes",
}
for _name in ("boolean", "short", "integer", "long", "float", "double"):
    _HEADER_NAMES |= dict.fromkeys((_name, f"{_name}converter", f"{_CONVERTERS}{_name}converter"), _name)
_NAMES = {
    **{name: found for name, found in _HEADER_NAMES.items() if found != "simple"},
    "avro": "avro",
    "io.confluent.connect.avro.avroconverter": "avro",
    "avroconverter": "avro",
    "protobuf": "protobuf",
    "io.confluent.connect.protobuf.protobufconverter": "protobuf",
    "protobufconverter": "protobuf",
    "jsonschema": "jsonschema",
    "io.confluent.connect.json.jsonschemaconverter": "jsonschema",
    "jsonschemaconverter": "jsonschema",
}


def _canonical(names: dict[str, str]) -> BeforeValidator:
    def translate(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        name = names.get(value.strip().lower())
        if name is not None:
            return name
        known = ", ".join(dict.fromkeys(names.values()))
        raise ValueError(f"unknown converter `{value}`; there are {known}, or their Java class names")

    return BeforeValidator(translate)


def _simple_name(value: Any) -> Any:
    return value.strip().rsplit(".", 1)[-1] if isinstance(value, str) else value


DecimalFormat = Literal["BASE64", "NUMERIC"]


class ConverterGroup(Group):
    """Bytes to values."""

    title: ClassVar[str] = "Converters"

    key_converter: Annotated[Converter, HIGH, _canonical(_NAMES)] = "string"
    """How keys are read: `string` (UTF-8 text), `json`, `bytes` (base64 in the payload), the numbers of Kafka's own
    serializers (`short`, `integer`, `long`, `float`, `double`), `boolean`, or, with a schema registry, `avro`,
    `protobuf` and `jsonschema`. The class names of Java are accepted. Connect has it in the worker file, unless the
    connector's own file says it."""

    key_converter_schemas_enable: Annotated[bool, LOW] = False
    """Whether JSON keys come in Connect's envelope of `schema` and `payload`. Default `true` where `key.converter` is
    set to JSON, as in Connect."""

    key_converter_decimal_format: Annotated[DecimalFormat, LOW, ANY_CASE_OF_CAPITALS] = "BASE64"
    """How decimals of keys are written: `BASE64` of the unscaled number, as Connect does, or `NUMERIC`, exactly."""

    key_converter_replace_null_with_default: Annotated[bool, LOW] = True
    """Whether a null of a key is replaced by the default that its schema has."""

    value_converter: Annotated[Converter, HIGH, _canonical(_NAMES)] = "json"
    """How values are read: as `key.converter`. JSON is validated and embedded as it is."""

    value_converter_schemas_enable: Annotated[bool, MEDIUM] = False
    """Whether JSON values come in Connect's envelope of `schema` and `payload`. Default `true` where
    `value.converter` is set to JSON, as in Connect, and `false` where it is not set."""

    value_converter_decimal_format: Annotated[DecimalFormat, LOW, ANY_CASE_OF_CAPITALS] = "BASE64"
    """How decimals of values are written: as `key.converter.decimal.format`."""

    value_converter_replace_null_with_default: Annotated[bool, LOW] = True
    """Whether a null of a value is replaced by the default that its schema has."""

    header_converter: Annotated[HeaderConverter, LOW, _canonical(_HEADER_NAMES)] = "simple"
    """How headers are read, where transforms, filters or `aws.lambda.record.headers` have a use for them: `simple`
    tells numbers, booleans, lists and the like from text, as Connect does; or as `key.converter`, those with a
    schema registry excepted."""

    header_converter_schemas_enable: Annotated[bool, LOW] = False
    """Whether JSON headers come in Connect's envelope. Default `true` where `header.converter` is set to JSON."""

    header_converter_decimal_format: Annotated[DecimalFormat, LOW, ANY_CASE_OF_CAPITALS] = "BASE64"
    """How decimals of headers are written: as `key.converter.decimal.format`."""

    json_nonfinite: Annotated[Literal["error", "null", "string"], LOW, ANY_CASE] = "error"
    """What becomes of NaN and the infinities, which JSON does not have: the record cannot be converted, or `null`, or
    the `string` with their name."""

    json_long: Annotated[Literal["number", "string"], LOW, ANY_CASE] = "number"
    """How 64-bit integers beyond ±2^53 are written, which JavaScript cannot hold: as a number, or as a string of
    digits. JSON that is embedded as it is stays so."""

    record_converter_class: Annotated[
        Literal["JsonKeyValueConverter", "EscapedJsonKeyValueConverter"], LOW, BeforeValidator(_simple_name)
    ] = "JsonKeyValueConverter"
    """How a record becomes JSON in the payload. `JsonKeyValueConverter` embeds JSON; `EscapedJsonKeyValueConverter`
    writes keys and values that have no schema as a string with the JSON in it."""
