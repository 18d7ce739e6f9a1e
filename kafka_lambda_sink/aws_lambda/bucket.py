"""The bucket of the claim check, as messages and hints name it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where values go that are too large for an invocation."""

    name: str
    #: What its keys begin with; empty, or up to a slash.
    prefix: str
    region: str
    #: AWS partition of the region, e.g. `aws` or `aws-cn`.
    partition: str
    #: The effective endpoint.
    endpoint: str

    def resource_arn(self, action: str) -> str:
        """The `Resource` of a policy that allows `action`."""
        arn = f"arn:{self.partition}:s3:::{self.name}"
        return f"{arn}/{self.prefix}*" if action == "s3:PutObject" else arn

    def __str__(self) -> str:
        """`s3://orders-large (region eu-west-1, endpoint https://s3.eu-west-1.amazonaws.com)`."""
        return f"s3://{self.name} (region {self.region}, endpoint {self.endpoint})"
