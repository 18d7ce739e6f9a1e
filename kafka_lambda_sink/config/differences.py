"""Where we differ from the Confluent connector on purpose. The reference shows this table."""

from __future__ import annotations

from typing import Final, NamedTuple


class Difference(NamedTuple):
    """One deliberate difference."""

    what: str
    there: str
    here: str
    why: str


DIFFERENCES: Final = (
    Difference(
        "converters that are not set",
        "the worker's",
        "key `string`, value `json` without schemas",
        "one file is enough; a file written for Connect gets a warning",
    ),
    Difference(
        "JSON without a schema under JsonKeyValueConverter",
        "a plain string",
        "embedded as it is",
        "the function gets JSON, and big numbers keep their digits",
    ),
    Difference(
        "records of aborted transactions",
        "delivered (`read_uncommitted`)",
        "left out (`read_committed`)",
        "they were never written; `consumer.override.isolation.level` changes it",
    ),
    Difference(
        "transient faults of the Invoke API",
        "retried by the AWS SDK, a few times",
        "retried for ever, with an alarm in the log",
        "giving up loses records or stops a partition; `aws.lambda.retry.*` bounds it",
    ),
    Difference(
        "an asynchronous invocation that Lambda does not accept",
        "not retried",
        "retried, or the way of `behavior.on.error`",
        "at least once means that somebody accepted it",
    ),
    Difference(
        "`aws.lambda.socket.timeout`",
        "50000",
        "the function's own timeout plus a margin",
        "a shorter one invokes the function again while it is still running",
    ),
    Difference(
        "replicas and partitions of topics that are created",
        "3 and 1",
        "the broker's defaults, without a `reporter.*` key",
        "a single broker has no three replicas",
    ),
    Difference(
        "unknown keys",
        "ignored",
        "an error with the nearest known key; a warning where `connector.class` is Confluent's",
        "a misspelt key is found at start",
    ),
    Difference(
        "`tasks.max`",
        "tasks of the whole cluster",
        "processes on each machine that the command is started on",
        "Kafka's group shares the partitions, also between machines",
    ),
)
