"""JSON with a schema of a registry, in Confluent's wire format: embedded as it is, or read as JSON without a schema.

Confluent's JsonSchemaConverter makes Connect's data by the schema first, which writes `oneOf` as a struct with a field
for each branch and drops what the schema does not mention; here what was produced is what arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kafka_lambda_sink.converters.converter import Converter, Embeddable, name_of_part
from kafka_lambda_sink.converters.json_reading import read_schemaless
from kafka_lambda_sink.converters.json_text import InvalidJsonError, validate_json
from kafka_lambda_sink.converters.kept import keep
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.converters.unconvertible import place
from kafka_lambda_sink.converters.wire_format import HEADER_SIZE, schema_id_of
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.ports import RegisteredSchema, SchemaRegistry
from kafka_lambda_sink.core.sink_record import SchemaAndValue

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_decode: Final = msgspec.json.Decoder().decode

#: JSON to what is wrong with it by a schema, or None.
_Check = Callable[[bytes], "str | None"]


def build_json_schema_converter(registry: SchemaRegistry, *, stage: str, validates: bool = False) -> Converter:
    """The converter to JSON. `validates` is JsonSchemaConverter's `json.fail.invalid.schema`. For any thread.

    What it returns raises RecordError, and SchemaRegistryError where the registry could not be asked.
    """
    text_of = _extractor(registry, stage, validates=validates)

    def convert(raw: bytes | None) -> Embeddable:
        return None if raw is None else msgspec.Raw(text_of(raw))

    return convert


def build_json_schema_reader(registry: SchemaRegistry, *, stage: str, validates: bool = False) -> Reader:
    """As `build_json_schema_converter`, to Connect's data without a schema."""
    text_of = _extractor(registry, stage, validates=validates)

    def read(raw: bytes | None) -> SchemaAndValue:
        return SchemaAndValue(None, None if raw is None else read_schemaless(text_of(raw)))

    return read


def _extractor(registry: SchemaRegistry, stage: str, *, validates: bool) -> Callable[[bytes], bytes]:
    """What gives the JSON of a record, checked."""
    part = name_of_part(stage)
    kept: dict[int, _Check | str] = {}

    def compiled(schema_id: int) -> _Check | str:
        registered = registry.schema(schema_id)
        if registered is None:
            # Not kept: somebody may register it yet, and the registry keeps it for a while.
            return "the registry does not have"
        return keep(kept, schema_id, _compile(registered, part, validates=validates))

    def extract(raw: bytes) -> bytes:
        schema_id = schema_id_of(raw, stage)
        check = kept.get(schema_id) or compiled(schema_id)
        if isinstance(check, str):
            raise RecordError(f"the {part} is written with the schema {schema_id}, which {check}", stage=stage)
        text = raw[HEADER_SIZE:]
        try:
            validate_json(text)
        except InvalidJsonError as error:
            raise RecordError(f"the {part} is not valid JSON: {error}", stage=stage) from None
        wrong = check(text)
        if wrong is not None:
            raise RecordError(f"{wrong} of the schema {schema_id} (json.fail.invalid.schema)", stage=stage)
        return text

    return extract


def _compile(registered: RegisteredSchema, part: str, *, validates: bool) -> _Check | str:
    """The check of a schema, or why there is none."""
    if registered.kind != "JSON":
        return f"is {registered.kind}, not JSON Schema"
    return _validator(registered, part) if validates else _accept


def _accept(_text: bytes) -> None:
    return


def _validator(registered: RegisteredSchema, part: str) -> _Check | str:
    import jsonschema_rs  # noqa: PLC0415 - megabytes that only who validates pays

    references = dict(registered.references)

    def retrieve(uri: str) -> Any:
        # A reference is relative to whatever `$id` its schema has; nothing is fetched from anywhere.
        for name, text in references.items():
            if uri == name or uri.endswith(f"/{name.removeprefix('/')}"):
                return _decode(text)
        raise LookupError("not among the references of the schema")

    try:
        schema = _decode(registered.text)
        # Without a word about it Confluent takes draft 7.
        has_draft = isinstance(schema, dict) and "$schema" in schema
        build = jsonschema_rs.validator_for if has_draft else jsonschema_rs.Draft7Validator
        validator = build(schema, retriever=retrieve)
    except (msgspec.DecodeError, ValueError) as error:
        return f"cannot be used: {str(error).partition(chr(10))[0]}"

    def check(text: bytes) -> str | None:
        try:
            validator.validate(_decode(text))
        except jsonschema_rs.ValidationError as error:
            return _explain(error, part)
        return None

    return check


def _explain(error: ValidationError, part: str) -> str:
    """Where and by which keyword; the library's own message holds the value."""
    return f"{place(part, error.instance_path)} does not satisfy `{error.kind.name}`"
