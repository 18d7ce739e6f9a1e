"""`ExtractField`: puts one field in the place of the whole key or value."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, model_validator

from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.options import Options, Truth
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.single_field_path import SingleFieldPath, SyntaxVersion
from kafka_lambda_sink.transforms.target import Target

_PURPOSE: Final = "field extraction"


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class ExtractFieldOptions(Options):
    """Of `ExtractField`."""

    field: str
    """The field to take."""

    field_syntax_version: Annotated[SyntaxVersion, BeforeValidator(_upper)] = "V1"
    """`V1`: `field` is a name. `V2`: it is a path, names with dots between them, in backticks those that have dots."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""

    @model_validator(mode="after")
    def _is_path(self) -> Self:
        SingleFieldPath(self.field, self.field_syntax_version)
        return self


def _build(options: ExtractFieldOptions, target: Target | None) -> Transform:
    assert target is not None
    path = SingleFieldPath(options.field, options.field_syntax_version)

    def extract_field(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if schema is None:
            extracted = None if value is None else path.value_in_map(require_map(value, _PURPOSE))
            return target.updated(record, None, extracted)
        struct = None if value is None else require_struct(value, _PURPOSE)
        field = path.field_of(schema)
        if field is None:
            raise refused(f"there is no field `{options.field}`")
        if struct is None:
            return target.updated(record, field.schema, None)
        extracted = path.value_in_struct(struct, with_default=options.replace_null_with_default)
        return target.updated(record, field.schema, extracted)

    return extract_field


TYPE = TransformType(ExtractFieldOptions, _build)
