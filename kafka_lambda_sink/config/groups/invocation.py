"""What goes beside the payload of an invocation."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator

from kafka_lambda_sink.config.declaration import LOW, MEDIUM, Group
from kafka_lambda_sink.core.tenant import parse_tenant_source


def _checked_tenant_source(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    source = parse_tenant_source(text)
    if source.part == "value":
        from kafka_lambda_sink.transforms.field_paths import ANY, parse_path  # noqa: PLC0415 - rarely used

        if ANY in parse_path(f"value.{source.name}").names:
            raise ValueError("leads to several fields; a record has one tenant")
    return str(source)


class InvocationGroup(Group):
    """What the function gets beside the records. See docs/invocations.md."""

    title: ClassVar[str] = "Beside the payload"

    aws_lambda_client_context: Annotated[bool, MEDIUM] = False
    """Whether the function's client context has the identity of the batch, in `custom`: `connector`, `topic`,
    `partition`, `firstOffset`, `lastOffset`, `count` and `attempt`, from 1, all as texts (sync only)."""

    aws_lambda_trace_propagate: Annotated[bool, MEDIUM] = False
    """Whether the trace of a batch's first record that has a valid W3C `traceparent` header goes on in the function
    (`X-Amzn-Trace-Id`)."""

    aws_lambda_tenant_id_from: Annotated[str | None, MEDIUM, AfterValidator(_checked_tenant_source)] = None
    """Where a record says its tenant, for a function with tenant isolation: `key`, `header:NAME` or `value:path`, of
    the record as it came. A batch then has records of one tenant only, and a record without a valid one is an error of
    the record (`errors.tolerance`)."""

    aws_lambda_durable_name: Annotated[bool, LOW] = False
    """Whether executions of a durable function are named after the records of the batch, so that a batch that is sent
    again gets the execution that it has already."""
