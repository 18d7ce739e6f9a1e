"""What must hold between the settings of `fields.include`, `fields.exclude` and `fields.hash`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig

#: Converters whose keys and values have no fields.
WITHOUT_FIELDS: Final = frozenset({"string", "bytes", "boolean", "short", "integer", "long", "float", "double"})
_SALT_HINT: Final = "Give it a secret of 16 characters or more, by a config provider such as ${env:…}"


def field_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    if not (config.fields_include or config.fields_exclude or config.fields_hash):
        return
    from kafka_lambda_sink.transforms.field_policy import (  # noqa: PLC0415 - rarely used
        MIN_SALT,
        FieldPolicyError,
        build_field_policy,
    )

    try:
        build_field_policy(config.fields_include, config.fields_exclude, config.fields_hash, "")
    except FieldPolicyError as error:
        yield Finding((f"fields_{error.option}",), str(error), "invalid-value", "See docs/transforms.md")
    else:
        yield from _sides(config)
    if not config.fields_hash:
        return
    if config.fields_hash_salt is None:
        yield Finding(
            ("fields_hash", "fields_hash_salt"), "needs fields.hash.salt beside it", "missing-key", _SALT_HINT
        )
    elif len(config.fields_hash_salt.get_secret_value()) < MIN_SALT:
        message = f"is shorter than {MIN_SALT} characters: what was hashed could be found by trying"
        yield Finding(("fields_hash_salt",), message, "invalid-value", _SALT_HINT)


def _sides(config: SinkConfig) -> Iterator[Finding]:
    """Paths into what is a text or a number in every record."""
    from kafka_lambda_sink.transforms.field_paths import parse_path  # noqa: PLC0415 - rarely used

    if config.transforms:
        # They may make an object of anything.
        return
    for attribute in ("fields_include", "fields_exclude", "fields_hash"):
        for text in getattr(config, attribute):
            side = parse_path(text).side.value.lower()
            converter = getattr(config, f"{side}_converter")
            if converter in WITHOUT_FIELDS:
                message = f"`{text}` is a field of the {side}, which has none: {side}.converter is {converter}"
                yield Finding((attribute, f"{side}_converter"), message, "conflict")
