"""Tenant ids: what Lambda takes for one, and where a record has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

#: `TenantId` of the service model, but for spaces at its ends: no HTTP header carries them, and ` a` would become `a`.
_TENANT_ID: Final = re.compile(r"(?! )[a-zA-Z0-9._:/=+\-@ ]{1,256}(?<! )")
TENANT_ID_RULE: Final = "1 to 256 letters, digits, spaces (not at its ends) and `. _ : / = + - @`"


@dataclass(frozen=True, slots=True)
class TenantSource:
    """`aws.lambda.tenant.id.from`, taken apart."""

    part: Literal["key", "header", "value"]
    #: Name of the header, or path of the field; empty for the key.
    name: str = ""

    def __str__(self) -> str:
        """As it is configured."""
        return f"{self.part}:{self.name}" if self.name else self.part


def parse_tenant_source(text: str) -> TenantSource:
    """`key`, `header:NAME` or `value:path`. Raises ValueError for anything else; the path is not looked into."""
    part, colon, name = text.strip().partition(":")
    if (part, colon) == ("key", ""):
        return TenantSource("key")
    if part in {"header", "value"} and name:
        return TenantSource(cast("Literal['header', 'value']", part), name)
    raise ValueError("is none of `key`, `header:NAME` and `value:path`")


def is_tenant_id(text: str) -> bool:
    """Whether Lambda takes it, and gets it as it is."""
    return _TENANT_ID.fullmatch(text) is not None
