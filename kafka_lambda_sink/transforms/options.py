"""What a transform or predicate can be told: Connect's own keys, declared once."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from kafka_lambda_sink.core.java_regex import compile_java_regex


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


def _comma_list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",")) if value.strip() else ()


#: Connect's LIST: items between commas, white space around them dropped.
CommaList = Annotated[tuple[str, ...], BeforeValidator(_comma_list)]


def _java_regex(value: Any) -> Any:
    return compile_java_regex(value) if isinstance(value, str) else value


#: A Java regular expression, compiled.
JavaRegex = Annotated[re.Pattern[str], BeforeValidator(_java_regex)]
