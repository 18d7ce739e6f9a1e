"""What a transform or predicate can be told: Connect's own keys, declared once."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from kafka_lambda_sink.converters.header_tokens import trim
from kafka_lambda_sink.core.java_regex import compile_java_regex
from kafka_lambda_sink.core.schema import Type
from kafka_lambda_sink.transforms.java_numbers import BITS, parse_integer

#: Between the items of Connect's LIST.
_COMMA: Final = re.compile(r"\s*,\s*", re.ASCII)
#: Of texts in lower case.
TRUTH: Final = {"true": True, "false": False}


def _dotted(attribute: str) -> str:
    return attribute.rstrip("_").replace("_", ".")


class Options(BaseModel):
    """The options of one type. An attribute is named as its key, with `_` for `.`; its docstring is its documentation.

    Built from the texts of a properties file (`model_validate({"target.type": "string"})`). Where Connect itself
    refuses a value, a validator raises ValueError: the message is shown beside file, line and key.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        defer_build=True,
        alias_generator=_dotted,
    )

    @model_validator(mode="before")
    @classmethod
    def _trimmed(cls, data: Any) -> Any:
        """As `ConfigDef.parseType` does with every text."""
        if not isinstance(data, dict):
            return data
        return {name: trim(value) if isinstance(value, str) else value for name, value in data.items()}


def _comma_list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(_COMMA.split(value)) if value else ()


#: Connect's LIST: items between commas, white space around them dropped.
CommaList = Annotated[tuple[str, ...], BeforeValidator(_comma_list)]


def _java_regex(value: Any) -> Any:
    return compile_java_regex(value) if isinstance(value, str) else value


#: A Java regular expression, compiled.
JavaRegex = Annotated[re.Pattern[str], BeforeValidator(_java_regex)]


def _truth(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lower() not in TRUTH:
        raise ValueError("must be true or false")
    return TRUTH[value.lower()]


#: Connect's BOOLEAN.
Truth = Annotated[bool, BeforeValidator(_truth)]


def _int32(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_integer(value, BITS[Type.INT32])
    except ValueError:
        raise ValueError("must be a whole number of 32 bits") from None


#: Connect's INT.
Int32 = Annotated[int, BeforeValidator(_int32)]
