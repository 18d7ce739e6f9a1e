"""What a property declares beside its type and default: importance, unit, other names, and how its text is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

Importance = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Declared:
    """Stands in the `Annotated` type of each property."""

    #: `high`: one of the few that a first sink may want. `low`: rarely touched.
    importance: Importance
    #: Unit of the number: `ms`, `records`, `bytes`, …
    unit: str | None = None
    #: Other keys that mean the same, in other dialects.
    aliases: tuple[str, ...] = ()
    #: The name, where it is not the attribute's name with dots for underscores.
    name: str | None = None
    #: Required, though it has no value of its own where another property takes its place: a check looks at both.
    is_required: bool = False


HIGH = Declared("high")
MEDIUM = Declared("medium")
LOW = Declared("low")


class Group(BaseModel):
    """Properties that belong together. Not used alone: `SinkConfig` is made of groups."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)

    #: Heading in the reference.
    title: ClassVar[str]


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _comma_list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


#: Put in the `Annotated` type of an enumeration: its values are compared without regard to case, as Connect does.
ANY_CASE = BeforeValidator(_lower)
#: The same where the values are written in capitals.
ANY_CASE_OF_CAPITALS = BeforeValidator(_upper)
#: A list with commas; spaces around the items and repeated items are dropped.
CommaList = Annotated[tuple[str, ...], BeforeValidator(_comma_list)]


def property_name(attribute: str, declared: Declared | None = None) -> str:
    """`aws_lambda_batch_size` → `aws.lambda.batch.size`."""
    return declared.name if declared and declared.name else attribute.replace("_", ".")
