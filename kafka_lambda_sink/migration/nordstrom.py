"""Nordstrom's connector. Source: https://github.com/Nordstrom/kafka-connect-lambda (1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kafka_lambda_sink.migration.connect_keys import ask_for_the_worker_s, migrate_keys, take_over
from kafka_lambda_sink.migration.migration import Given, Migration, Rule, by_name, drop, to, whole_number

_ENABLED: Final = "aws.lambda.batch.enabled"
_BATCH: Final = "aws.lambda.batch.size"
_FORMAT: Final = "aws.lambda.request.format"
#: Milliseconds between two attempts that we allow.
_MOST_BACKOFF: Final = 60_000
_LEAST_TIMEOUT, _MOST_TIMEOUT = 1_000, 5_400_000


def _batches(migration: Migration, given: Given) -> None:
    if given.text.strip().lower() == "false":
        migration.put(given.name, _ENABLED, "false")
    else:
        question = (
            "there, a batch has whatever came until offsets were flushed, of all partitions, up to 6 MB; here it is of "
            "one partition: how many records may the function get"
        )
        migration.ask(given.name, question, (_BATCH, 500))


def _formatter(migration: Migration, given: Given) -> None:
    simple = given.text.strip().rsplit(".", 1)[-1]
    known = {"PlainPayloadFormatter": "nordstrom-plain", "JsonPayloadFormatter": "nordstrom-json"}
    if simple in known:
        migration.put(given.name, _FORMAT, known[simple])
    else:
        migration.ask(given.name, f"{simple} is a formatter of your own: choose a format", (_FORMAT, "envelope"))


def _timeout(migration: Migration, given: Given) -> None:
    number = whole_number(given.value)
    if number is None or _LEAST_TIMEOUT <= number <= _MOST_TIMEOUT:
        migration.put(given.name, "aws.lambda.socket.timeout", given.text)
    else:
        migration.drop(given.name, "outside of 1 s to 90 min; the function's own timeout plus a margin is waited for")


def _retries(migration: Migration, given: Given) -> None:
    number = whole_number(given.value)
    key = "aws.lambda.retry.max.attempts"
    if number is None:
        migration.ask(given.name, "one more than this many", (key, given.text))
    else:
        migration.put(given.name, key, number + 1)


def _backoff(migration: Migration, given: Given) -> None:
    number = whole_number(given.value)
    migration.put(
        given.name, "aws.lambda.retry.backoff.ms", given.text if number is None else min(max(number, 1), _MOST_BACKOFF)
    )


def _proxy(migration: Migration, given: Given) -> None:
    migration.put(given.name, "aws.lambda.proxy.url", given.text)


def _proxy_port(migration: Migration, given: Given) -> None:
    """Goes with the host."""
    migration.drop(given.name, "it is behind http.proxy.host")


RULES: Final = (
    drop("connector.class", "not needed"),
    to("aws.lambda.function.arn", "aws.lambda.function.name"),
    to("aws.region", "aws.lambda.region"),
    to(
        "aws.lambda.invocation.mode",
        "aws.lambda.invocation.type",
        "SYNC: `sync`, ASYNC: `async`",
        {"SYNC": "sync", "ASYNC": "async"},
    ),
    Rule(
        "aws.lambda.invocation.timeout.ms", "aws.lambda.socket.timeout", "not set: the function's own timeout", _timeout
    ),
    to(
        "aws.lambda.invocation.failure.mode",
        "behavior.on.error",
        "STOP: `fail`; DROP: `log`. There, a function's own error counts as delivered; here it does not",
        {"STOP": "fail", "DROP": "log"},
    ),
    Rule(
        _ENABLED, f"{_ENABLED}, {_BATCH}", "`false`: the same; else a decision: batches there mix partitions", _batches
    ),
    Rule("payload.formatter.class", _FORMAT, "Plain: `nordstrom-plain`; Json: `nordstrom-json`", _formatter),
    Rule("retries.max", "aws.lambda.retry.max.attempts", "and one more, the first; not set: for ever", _retries),
    Rule("retry.backoff.millis", "aws.lambda.retry.backoff.ms", "the first wait; it doubles with each", _backoff),
    drop("retriable.error.codes", "what may be tried again is known here, error by error"),
    Rule("http.proxy.host", "aws.lambda.proxy.url", "with `http.proxy.port`: `http://HOST:PORT`", _proxy),
    Rule("http.proxy.port", "aws.lambda.proxy.url", "see `http.proxy.host`", _proxy_port),
)

#: What is in force there when a file does not say it, and what we would do otherwise.
_DEFAULTS: Final = {
    _ENABLED: "true",
    "payload.formatter.class": "com.nordstrom.kafka.connect.formatters.PlainPayloadFormatter",
}


def migrate_nordstrom(migration: Migration, config: Mapping[str, str], group: str | None) -> Migration:
    """A file of that connector, with its defaults."""
    migration.settings["name"] = migration.title
    explicit = dict(config)
    if explicit.get(_ENABLED, "").strip().lower() == "false" and explicit.pop(_BATCH, None) is not None:
        migration.drop(_BATCH, f"{_ENABLED} is false, and that connector has no such key")
    for key, default in _DEFAULTS.items():
        if not explicit.get(key, "").strip():
            explicit[key] = default
    host = explicit.get("http.proxy.host", "").strip()
    if host:
        explicit["http.proxy.host"] = f"http://{host}:{explicit.get('http.proxy.port', '').strip() or '80'}"
    migrate_keys(migration, explicit, by_name(RULES))
    ask_for_the_worker_s(migration)
    take_over(migration, group, usual=f"connect-{migration.title}")
    return migration
