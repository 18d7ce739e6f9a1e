"""Functions as they are configured, and the table that a caller's reference is looked up in."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka_lambda_sink.local import refusals
from kafka_lambda_sink.local.handler import Handler
from kafka_lambda_sink.local.names import FunctionReference

LATEST = "$LATEST"


@dataclass(slots=True, kw_only=True)
class Function:
    """One function. Its versions and aliases all run the same handler."""

    name: str
    handler: Handler
    #: Seconds; Lambda's own default is 3.
    timeout: float = 3.0
    memory_mb: int = 128
    #: Alias to version, e.g. `{"live": "7"}`.
    aliases: Mapping[str, str] = field(default_factory=dict)
    #: Published versions.
    versions: tuple[str, ...] = ()
    #: Most invocations at a time, or None for the account's limit. 0 throttles every call.
    reserved_concurrency: int | None = None
    account: str = "123456789012"
    region: str = "us-east-1"
    #: Seconds before the second and the third attempt of an asynchronous invocation that failed.
    async_retry_delays: tuple[float, ...] = (60.0, 120.0)
    #: Every call has to name its tenant.
    is_tenant_isolated: bool = False
    #: A call with an execution's name gets the execution of that name. Nothing else of a durable function is here.
    is_durable: bool = False
    #: File that the records of failed asynchronous invocations are appended to, one JSON document a line.
    on_failure: Path | None = None

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return function_arn(self.region, self.account, self.name)

    def version_of(self, qualifier: str | None) -> str | None:
        """The version that a qualifier means, or None when there is no such version or alias."""
        if qualifier is None or qualifier == LATEST:
            return LATEST
        if qualifier in self.versions:
            return qualifier
        return self.aliases.get(qualifier)

    def configuration(self, qualifier: str | None) -> dict[str, Any]:
        """The body of GetFunctionConfiguration, as far as this function has the facts. `Timeout` is whole seconds."""
        version = self.version_of(qualifier)
        return {
            "FunctionName": self.name,
            "FunctionArn": self.arn if qualifier is None else f"{self.arn}:{qualifier}",
            "Runtime": "provided.al2023",
            "Role": f"arn:aws:iam::{self.account}:role/local",
            "Handler": str(self.handler),
            "CodeSize": 0,
            "Description": "",
            "Timeout": max(1, math.ceil(self.timeout)),
            "MemorySize": self.memory_mb,
            "LastModified": datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "Version": version,
            "TracingConfig": {"Mode": "PassThrough"},
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": ["x86_64"],
        }


def function_arn(region: str, account: str, name: str, qualifier: str | None = None) -> str:
    """The ARN of a function, qualified when a qualifier is given."""
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return arn if qualifier is None else f"{arn}:{qualifier}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a call is for: a function at a version."""

    function: Function
    #: As the caller gave it, or None.
    qualifier: str | None
    version: str

    @property
    def invoked_arn(self) -> str:
        """The ARN as the caller qualified it."""
        function = self.function
        return function_arn(function.region, function.account, function.name, self.qualifier)


class FunctionTable:
    """The functions of an endpoint, by region, account and name. Thread-safe."""

    def __init__(self, account: str) -> None:
        #: The account whose functions a plain name means.
        self.account = account
        self._lock = threading.Lock()
        self._functions: dict[tuple[str, str, str], Function] = {}

    def add(self, function: Function) -> None:
        """Add or replace a function."""
        with self._lock:
            self._functions[function.region, function.account, function.name] = function

    def all(self) -> list[Function]:
        """Every function."""
        with self._lock:
            return list(self._functions.values())

    def arn(self, reference: FunctionReference, region: str) -> str:
        """The ARN that a reference stands for, whether or not there is such a function."""
        return function_arn(reference.region or region, reference.account or self.account, reference.name)

    def resolve(self, reference: FunctionReference, query_qualifier: str | None, region: str) -> Target:
        """The function and version that a caller in `region` means. Raises Refusal (400, 404)."""
        if reference.region is not None and reference.region != region:
            raise refusals.other_region(reference.region, region)
        if reference.qualifier and query_qualifier and reference.qualifier != query_qualifier:
            raise refusals.invalid_parameter(
                "The derived qualifier from the function name does not match the specified qualifier."
            )
        qualifier = reference.qualifier or query_qualifier
        account = reference.account or self.account
        with self._lock:
            function = self._functions.get((region, account, reference.name))
        version = function.version_of(qualifier) if function is not None else None
        if function is None or version is None:
            raise refusals.function_not_found(function_arn(region, account, reference.name, qualifier))
        return Target(function, qualifier, version)
