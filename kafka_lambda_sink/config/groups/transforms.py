"""What happens to a record between its converters and the payload."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr

from kafka_lambda_sink.config.declaration import ANY_CASE, LOW, MEDIUM, CommaList, Declared, Group
from kafka_lambda_sink.config.filter_patterns import checked_filter_patterns


class TransformGroup(Group):
    """Transforms, fields, filters."""

    title: ClassVar[str] = "Transforms and filters"

    transforms: Annotated[CommaList, MEDIUM] = ()
    """Names of the transforms, in the order in which they are applied. Each has `transforms.NAME.type`, its own keys
    below `transforms.NAME.`, and perhaps `transforms.NAME.predicate` and `.negate`: see docs/transforms.md."""

    predicates: Annotated[CommaList, LOW] = ()
    """Names of the predicates that transforms refer to. Each has `predicates.NAME.type` and its own keys."""

    errors_retry_timeout: Annotated[int, Declared("low", unit="ms")] = Field(default=0, ge=-1)
    """How long a record is tried again for that a transform of your own cannot take yet. 0: it fails at once; -1: for
    ever. A schema registry that does not answer is waited for in any case."""

    fields_include: Annotated[CommaList, MEDIUM] = ()
    """The only fields of the value that are sent, as paths: `id`, `customer.name`, `items.sku` (of each element).
    `key.` before it means a field of the key. Applied after the transforms. Empty: all. See docs/transforms.md."""

    fields_exclude: Annotated[CommaList, MEDIUM] = ()
    """Fields that are not sent, as paths."""

    fields_hash: Annotated[CommaList, MEDIUM] = ()
    """Fields of which only a salted SHA-256 is sent, as paths: the same value has the same hash."""

    fields_hash_salt: Annotated[SecretStr | None, MEDIUM] = None
    """The secret that hashes are made with, 16 characters or more; required with `fields.hash`."""

    tombstones: Annotated[Literal["pass", "drop"], LOW, ANY_CASE] = "pass"
    """Whether records without a value (deletes) are sent, with a `value` of null, or dropped before the transforms."""

    aws_lambda_filter_patterns: Annotated[str | None, MEDIUM, AfterValidator(checked_filter_patterns)] = None
    """Which records are sent: a JSON list of patterns in AWS's event filter syntax, over `value`, `key`, `headers`,
    `topic`, `partition`, `offset` and `timestamp`; one that matches is enough. The others count as delivered. See
    docs/filters.md."""

    aws_lambda_record_headers: Annotated[bool, MEDIUM] = False
    """Whether the payload of a record has its headers: a list of `name` and `value`, in their order."""
