"""What goes beside the payload of a batch: its identity, trace, tenant, and the name of its durable execution."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.contracts.trace_context import TraceParent, first_trace
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.ports import CallContext
from kafka_lambda_sink.core.record import TopicPartition

#: Characters of the connector's name in a client context: a longer one might not fit in what Lambda takes.
_LONGEST_NAME: Final = 256
#: `DurableExecutionName` of the service model: at most 64 of `a-zA-Z0-9-_`.
_LONGEST_EXECUTION_NAME: Final = 64
#: Characters of the hash in an execution's name, six bits each.
_HASH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContexts:
    """Makes the contexts of one partition's batches. Pure."""

    tp: TopicPartition
    #: Name of the connector.
    connector: str
    #: The consumer group.
    group: str
    #: The function as it is configured, qualifier included.
    function: str
    #: `aws.lambda.client.context`.
    has_client_context: bool = False
    #: `aws.lambda.trace.propagate`.
    propagates_trace: bool = False
    #: `aws.lambda.durable.name`.
    names_executions: bool = False

    @property
    def has_any(self) -> bool:
        """Whether there is anything but the tenant that a batch brings with it."""
        return self.has_client_context or self.propagates_trace or self.names_executions

    def of(self, batch: Batch, attempt: int, failed_attempts: int) -> CallContext:
        """What goes beside `batch`.

        `attempt` counts the invocations that its records are part of, from 1, this one included; `failed_attempts`
        those before it that the function failed.
        """
        trace = first_trace(batch.records) if self.propagates_trace else None
        return CallContext(
            client_context=self._client_context(batch, attempt, trace) if self.has_client_context else None,
            tenant_id=batch.tenant,
            trace_header=None if trace is None else trace.xray,
            durable_name=self._execution_name(batch, failed_attempts) if self.names_executions else None,
        )

    def _client_context(self, batch: Batch, attempt: int, trace: TraceParent | None) -> bytes:
        """All in `custom` and all texts: what the runtimes of Python and Java show a function of a client context."""
        custom = {
            "connector": self.connector[:_LONGEST_NAME],
            "topic": self.tp.topic,
            "partition": str(self.tp.partition),
            "firstOffset": str(batch.first_offset),
            "lastOffset": str(batch.records[-1].offset()),
            "count": str(batch.count),
            "attempt": str(attempt),
        }
        if trace is not None:
            custom["traceparent"] = str(trace)
        return encode({"custom": custom})

    def _execution_name(self, batch: Batch, failed_attempts: int) -> str:
        """The same for the same records of the same group, whoever sends them and when.

        An attempt of its own after one that the function failed: under the old name Lambda would answer with the old
        failure. One whose end is not known has no new name: it attaches to the execution that may be running.
        """
        topic, partition = self.tp
        first, last = batch.first_offset, batch.records[-1].offset()
        payload = sha256(batch.payload).hexdigest()
        identity = encode([self.group, self.function, topic, partition, first, last, payload, failed_attempts])
        digest = urlsafe_b64encode(sha256(identity).digest()).decode()[:_HASH]
        place = f"-{partition}-{first}-"
        # For whoever looks at the list of executions; the hash alone tells them apart.
        begin = topic.replace(".", "_")[: _LONGEST_EXECUTION_NAME - _HASH - len(place)]
        return f"{begin}{place}{digest}"
