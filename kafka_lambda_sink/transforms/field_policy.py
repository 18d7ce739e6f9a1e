"""Which fields reach the function, and which only as a hash: `fields.include`, `fields.exclude`, `fields.hash`.

Source: Fivetran's data blocking and column hashing (seed 001). It fails closed: what cannot be cut is not sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.field_cutter import Cutter, Mark, kept, left
from kafka_lambda_sink.transforms.field_hash import hasher
from kafka_lambda_sink.transforms.field_paths import Path, PathNode, add_paths, parse_path
from kafka_lambda_sink.transforms.requirement import refused
from kafka_lambda_sink.transforms.target import Target

Option: TypeAlias = Literal["include", "exclude", "hash"]

#: Characters; a shorter salt is guessed.
MIN_SALT: Final = 16


class FieldPolicyError(ValueError):
    """The paths do not make a policy. Where: see `option`."""

    def __init__(self, option: Option, message: str) -> None:
        super().__init__(message)
        self.option: Option = option


def build_field_policy(include: Iterable[str], exclude: Iterable[str], hashed: Iterable[str], salt: str) -> Transform:
    """A transform that keeps only `include` (where not empty), drops `exclude`, and hashes `hashed`.

    A hash is the HMAC-SHA-256 of the value's text under `salt`, in hexadecimal; null stays null. Raises
    FieldPolicyError for a path that is none, and for one that another path leaves nothing of.
    """
    included, excluded = _parsed("include", include), _parsed("exclude", exclude)
    to_hash = _parsed("hash", hashed)
    _refuse_void(included, excluded, to_hash)
    kept_roots: dict[Target, PathNode] = {}
    cut_roots: dict[Target, PathNode] = {}
    add_paths(kept_roots, included.values(), Mark.INCLUDE)
    add_paths(cut_roots, to_hash.values(), Mark.HASH)
    add_paths(cut_roots, excluded.values(), Mark.EXCLUDE)
    hash_of = hasher(salt)
    cutters = [
        *((side, Cutter(root, kept, hash_of, needs_fields=True)) for side, root in kept_roots.items()),
        *((side, Cutter(root, left, hash_of, needs_fields=False)) for side, root in cut_roots.items()),
    ]

    def apply(record: SinkRecord) -> SinkRecord:
        try:
            for side, cutter in cutters:
                record = side.updated(record, *cutter.cut(side.of(record)))
        except RecordError:
            raise
        except Exception as error:  # noqa: BLE001 - a value that is not what its schema says, in whatever way
            # The error's text may quote it, and traces are reported.
            raise refused(f"fields: cannot be cut ({type(error).__name__})") from None
        return record

    return apply


def drop_tombstones(record: SinkRecord) -> SinkRecord | None:
    """`tombstones=drop`: a transform that drops records without a value."""
    return None if record.value is None else record


def _parsed(option: Option, texts: Iterable[str]) -> dict[str, Path]:
    try:
        return {text: parse_path(text) for text in texts}
    except ValueError as error:
        raise FieldPolicyError(option, str(error)) from None


def _refuse_void(include: Mapping[str, Path], exclude: Mapping[str, Path], hashed: Mapping[str, Path]) -> None:
    asked: tuple[tuple[Option, Mapping[str, Path]], ...] = (("hash", hashed), ("include", include))
    for option, paths in asked:
        for text, path in paths.items():
            dropping = next((out for out, it in exclude.items() if it.holds(path)), None)
            if dropping is not None:
                raise FieldPolicyError(option, f"`{text}` is within `{dropping}`, which fields.exclude drops")
    for text, path in hashed.items():
        limits = [it for it in include.values() if it.side is path.side]
        if limits and not any(it.meets(path) for it in limits):
            raise FieldPolicyError("hash", f"`{text}` is not in what fields.include keeps")
