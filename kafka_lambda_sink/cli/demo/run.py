"""`kafka-lambda-sink demo`: produce, run the task, read everything back, account for it."""

from __future__ import annotations

import io
import os
import signal
from contextlib import ExitStack
from types import FrameType
from typing import Any, Final

from rich.console import Console

from kafka_lambda_sink.cli.demo.accounting import Account, Failure, Headers, account, result_coordinates
from kafka_lambda_sink.cli.demo.orders import orders
from kafka_lambda_sink.cli.demo.samples import sample
from kafka_lambda_sink.cli.demo.screen import ProgressView, show_account, show_introduction
from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.connector.task import Task
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.kafka import PARTITIONS, EmbeddedCatalog, EmbeddedKafka
from kafka_lambda_sink.local.runtime_handler import HandlerFile, RuntimeHandler
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.telemetry.logs import configure
from kafka_lambda_sink.worker.exit_codes import ExitCode, exit_code

_ACCESS_KEY: Final = "AKIALOCAL"
_SECRET: Final = "local"  # noqa: S105  # no secret: it opens an endpoint inside this process
#: Seconds that a function may take.
_FUNCTION_TIMEOUT: Final = 60.0
#: Seconds without a single record more after which the demo gives up.
_STALLED: Final = 90.0
_REFRESH: Final = 0.1
_LOG_LINES: Final = 20

_OVERRIDES: Final = {
    "aws.access.key.id": _ACCESS_KEY,
    "aws.secret.access.key": _SECRET,
    "aws.lambda.response.topic": "orders-results",
    "aws.lambda.error.topic": "orders-errors",
    "behavior.on.error": "log",
    "errors.tolerance": "all",
    "errors.deadletterqueue.topic.name": "orders-dead-letters",
    "errors.deadletterqueue.context.headers.enable": "true",
    # Joining takes three seconds with the classic protocol.
    "consumer.override.group.protocol": "consumer",
}

_KAFKA: Final = """\
{address}, inside this process: librdkafka's mock cluster. It keeps about 5 MB a partition, its transactions \
do not work, and all that is in it is gone when the demo ends."""
_LAMBDA: Final = """\
{address}, inside this process. The handler runs in processes of its own, under AWS's runtime client. \
No AWS account is used."""


def demo(handler: str | None, records: int) -> ExitCode:
    """Run it; OK only when every record is accounted for."""
    console = Console()
    log = io.StringIO()
    configure("console", "warning", None, log)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    function_variables = _isolate()
    failure: KafkaLambdaSinkError | None = None
    try:
        file = HandlerFile.parse(handler or f"{sample('examples/orders/handler.py')}:lambda_handler")
        with ExitStack() as stack:
            runtime = RuntimeHandler(file, variables=function_variables, on_output=lambda _: None)
            stage = _Stage(console, stack, runtime)
            stage.introduce(file, records)
            found, failure = stage.deliver(records)
    except KafkaLambdaSinkError as error:
        _show_failure(console, error, log)
        return exit_code(error)
    except KeyboardInterrupt:
        console.print("stopped")
        return ExitCode.CRASH
    if failure is not None or not found.is_complete:
        _show_failure(console, failure, log)
        return ExitCode.CRASH
    return ExitCode.OK


def _isolate() -> dict[str, str]:
    """Take AWS's settings and proxies out of the way of our own clients; the function gets them back."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    return taken


def _show_failure(console: Console, failure: KafkaLambdaSinkError | None, log: io.StringIO) -> None:
    lines = log.getvalue().splitlines()[-_LOG_LINES:]
    if lines:
        console.print("The last lines of the sink's log:", *lines, sep="\n  ", markup=False, highlight=False)
    if failure is not None:
        hint = f"\n{failure.hint}" if failure.hint else ""
        console.print(f"error: {failure}{hint}", style="red", markup=False)


class _Stage:
    """Kafka, Lambda and configuration of one run; `stack` ends them."""

    def __init__(self, console: Console, stack: ExitStack, runtime: RuntimeHandler) -> None:
        self._console = console
        self._clock = SystemClock()
        self._kafka = stack.enter_context(EmbeddedKafka())
        self._endpoint = stack.enter_context(InvokeEndpoint(credentials={_ACCESS_KEY: _SECRET}))
        self._settings = sample("config/sink.properties")
        self._loaded = load(
            self._settings,
            overrides={
                "bootstrap.servers": self._kafka.bootstrap,
                "aws.lambda.endpoint.url": self._endpoint.url,
                **_OVERRIDES,
            },
            environ={},
        )
        [name] = self._loaded.sink.functions
        region = self._loaded.sink.aws_lambda_region
        assert region is not None, "the sample names its region"
        function = Function(name=name, handler=runtime, timeout=_FUNCTION_TIMEOUT, region=region)
        self._endpoint.add_function(function)

    @property
    def _topic(self) -> str:
        [topic] = self._loaded.sink.topics
        return topic

    def introduce(self, file: HandlerFile, records: int) -> None:
        """Say what runs where, and what it cannot do."""
        settings = [f"{key}={value}" for key, value in _OVERRIDES.items() if value != _SECRET]
        rows = [
            ("Kafka", _KAFKA.format(address=self._kafka.bootstrap)),
            ("Lambda", _LAMBDA.format(address=self._endpoint.url)),
            ("Function", f"{file.path}, {file.function}"),
            ("Records", f"{records:,} orders in {PARTITIONS} partitions; some make the example fail, some are no JSON"),
            ("Settings", "\n".join([f"{self._settings}, and on top of it", *settings])),
        ]
        show_introduction(self._console, rows)

    def deliver(self, records: int) -> tuple[Account, KafkaLambdaSinkError | None]:
        """Produce, run the task until nothing is left, read back; the account, and why the task ended by itself."""
        produced = self._kafka.produce(self._topic, orders(records, PARTITIONS))
        task = Task(self._loaded, self._clock, open_catalog=EmbeddedCatalog)
        task.start()
        self._watch(task, records)
        found = self._read_back(self._loaded, produced)
        show_account(self._console, found, task.counters.total().delivered)
        return found, task.failure

    def _watch(self, task: Task, records: int) -> None:
        """Show how far it is; stop it when every record had its turn, on Ctrl-C, or when nothing moves any more."""

        def on_signal(number: int, _: FrameType | None) -> None:
            # Not by an exception: in Python 3.11 it would make the thread that is joined look ended.
            task.request_stop()
            signal.signal(number, signal.default_int_handler)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, on_signal)
        seen, moved = -1, self._clock.monotonic()
        with ProgressView(self._console, records) as view:
            is_over = False
            while not is_over:
                is_over = task.join(_REFRESH)
                counters = task.counters.total()
                done = counters.delivered + counters.failed + counters.errant
                view.update(counters, self._endpoint.in_flight())
                if done != seen:
                    seen, moved = done, self._clock.monotonic()
                if done >= records or self._clock.monotonic() - moved > _STALLED:
                    task.request_stop()

    def _read_back(self, loaded: LoadedConfig, produced: dict[int, list[int]]) -> Account:
        sink = loaded.sink
        read = self._kafka.read_all
        return account(
            produced=produced,
            results=[result_coordinates(_bytes(each.key())) for each in read(str(sink.aws_lambda_response_topic))],
            failures=[
                Failure.from_error_record(_bytes(each.key()), _bytes(each.value()), _headers(each))
                for each in read(str(sink.aws_lambda_error_topic))
            ],
            dead_letters=[
                Failure.from_dead_letter(_headers(each)) for each in read(str(sink.errors_deadletterqueue_topic_name))
            ],
            committed=self._kafka.committed(loaded.clients.group_id, self._topic),
        )


def _bytes(data: str | bytes | None) -> bytes:
    assert isinstance(data, bytes), "the sink's own records have keys and values"
    return data


def _headers(record: Any) -> Headers:
    headers: Headers = record.headers() or ()
    return headers
