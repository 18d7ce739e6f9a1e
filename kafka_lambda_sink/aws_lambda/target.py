"""What is invoked, as messages and hints name it."""

from __future__ import annotations

from dataclasses import dataclass

#: `arn`, partition, service, region, account, `function`, name, qualifier.
_ARN_PARTS = 7
#: `account:function:name`.
_PARTIAL_ARN_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The function, where it is asked for, and the name that IAM knows it by."""

    #: As configured: a name, a partial ARN or an ARN, perhaps with a qualifier.
    function_name: str
    #: Version or alias, or None when the function name says it or `$LATEST` is meant.
    qualifier: str | None
    region: str
    #: AWS partition of the region, e.g. `aws` or `aws-cn`.
    partition: str
    #: The effective endpoint, scheme and host.
    endpoint: str
    #: Role that is assumed before the call, or None.
    role_arn: str | None = None

    @property
    def resource_arn(self) -> str:
        """The `Resource` of a policy that allows the call; `<account>` where we cannot know it."""
        parts = self.function_name.split(":")
        if parts[0] == "arn" and len(parts) >= _ARN_PARTS:
            arn, suffix = ":".join(parts[:_ARN_PARTS]), parts[_ARN_PARTS:]
        elif len(parts) >= _PARTIAL_ARN_PARTS and parts[1] == "function":
            arn = f"arn:{self.partition}:lambda:{self.region}:{':'.join(parts[:_PARTIAL_ARN_PARTS])}"
            suffix = parts[_PARTIAL_ARN_PARTS:]
        else:
            arn = f"arn:{self.partition}:lambda:{self.region}:<account>:function:{parts[0]}"
            suffix = parts[1:]
        qualifier = self.qualifier or (suffix[0] if suffix else None)
        return f"{arn}:{qualifier}" if qualifier else arn

    def __str__(self) -> str:
        """`orders (qualifier prod) in eu-west-1`."""
        qualifier = f" (qualifier {self.qualifier})" if self.qualifier else ""
        return f"{self.function_name}{qualifier} in {self.region}"


def region_of(function_name: str) -> str | None:
    """The region that a full ARN names, else None."""
    parts = function_name.split(":")
    return parts[3] or None if parts[0] == "arn" and len(parts) >= _ARN_PARTS else None
