"""Transforms and predicates from their Java class names and configurations, as a sink builds them."""

from __future__ import annotations

from collections.abc import Mapping

from kafka_lambda_sink.core.sink_record import Predicate, Transform
from kafka_lambda_sink.transforms.catalog import predicate_type, transform_type


def build_transform(class_name: str, config: Mapping[str, str]) -> Transform:
    """Raises pydantic's ValidationError, a ValueError, for what the type refuses."""
    found, target = transform_type(class_name)
    return found.build(found.options.model_validate(dict(config)), target)


def build_predicate(class_name: str, config: Mapping[str, str]) -> Predicate:
    """As `build_transform`."""
    found = predicate_type(class_name)
    return found.build(found.options.model_validate(dict(config)))
