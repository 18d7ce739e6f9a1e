"""The transforms and predicates there are, by the class names of Java. A module is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from kafka_lambda_sink.core.sink_record import Predicate, Transform
from kafka_lambda_sink.transforms.options import Options
from kafka_lambda_sink.transforms.target import Target

_PACKAGE: Final = "org.apache.kafka.connect.transforms."
_PREDICATES: Final = f"{_PACKAGE}predicates."

#: Simple name → module of this package. Those of the first set are for keys or values: `Cast$Key`, `Cast$Value`.
_TARGETED: Final = {
    "Cast": "cast",
    "ExtractField": "extract_field",
    "Flatten": "flatten",
    "HeaderFrom": "header_from",
    "HoistField": "hoist_field",
    "InsertField": "insert_field",
    "MaskField": "mask_field",
    "ReplaceField": "replace_field",
    "SetSchemaMetadata": "set_schema_metadata",
    "TimestampConverter": "timestamp_converter",
}
_WHOLE: Final = {
    "DropHeaders": "drop_headers",
    "Filter": "filter",
    "InsertHeader": "insert_header",
    "RegexRouter": "regex_router",
    "TimestampRouter": "timestamp_router",
    "ValueToKey": "value_to_key",
}
_PREDICATE_MODULES: Final = {
    "HasHeaderKey": "has_header_key",
    "RecordIsTombstone": "record_is_tombstone",
    "TopicNameMatches": "topic_name_matches",
}


@dataclass(frozen=True, slots=True)
class TransformType:
    """What a transform's module has as `TYPE`."""

    options: type[Options]
    #: From checked options, and the target where the type has one. The transform raises RecordError.
    build: Callable[[Any, Target | None], Transform]


@dataclass(frozen=True, slots=True)
class PredicateType:
    """What a predicate's module has as `TYPE`."""

    options: type[Options]
    build: Callable[[Any], Predicate]


class UnknownTypeError(ValueError):
    """There is no transform or predicate of this class."""


def transform_names() -> list[str]:
    """Every name that `transform_type` takes, without Java's package."""
    targeted = [f"{name}${target.value}" for name in _TARGETED for target in Target]
    return sorted([*targeted, *_WHOLE])


def predicate_names() -> list[str]:
    """Every name that `predicate_type` takes, without Java's package."""
    return sorted(_PREDICATE_MODULES)


def transform_type(class_name: str) -> tuple[TransformType, Target | None]:
    """The type of a Java class, or of its name without the package (`Cast$Value`). Raises UnknownTypeError."""
    name, _, suffix = class_name.strip().removeprefix(_PACKAGE).partition("$")
    target = next((target for target in Target if target.value == suffix), None)
    if name in _WHOLE and not suffix:
        return import_module(f"{__package__}.{_WHOLE[name]}").TYPE, None
    if name in _TARGETED:
        if target is None:
            raise UnknownTypeError(f"`{class_name}` is for keys or for values: {name}$Key or {name}$Value")
        return import_module(f"{__package__}.{_TARGETED[name]}").TYPE, target
    raise UnknownTypeError(f"unknown transform `{class_name}`; there are {', '.join(transform_names())}")


def predicate_type(class_name: str) -> PredicateType:
    """The type of a Java class, or of its name without the package. Raises UnknownTypeError."""
    name = class_name.strip().removeprefix(_PREDICATES)
    if name not in _PREDICATE_MODULES:
        raise UnknownTypeError(f"unknown predicate `{class_name}`; there are {', '.join(predicate_names())}")
    found: PredicateType = import_module(f"{__package__}.{_PREDICATE_MODULES[name]}").TYPE
    return found
