"""`kafka-lambda-sink --config sink.properties`: run connectors until a signal."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.cli.signals import Signals
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.core.errors import ConfigError, KafkaLambdaSinkError
from kafka_lambda_sink.core.task_id import ALONE, TaskId
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.telemetry.logs import configure, get_logger
from kafka_lambda_sink.worker.exit_codes import ExitCode, exit_code
from kafka_lambda_sink.worker.plan import ConnectorPlan, load_all

if TYPE_CHECKING:
    from kafka_lambda_sink.worker.supervisor_link import SupervisorLink

_log = get_logger(__name__)


def run(several: Sequence[Sources]) -> ExitCode:
    """Run the connectors of these files; how it ended. One that has one task runs here, more run as processes."""
    try:
        loaded = load_all([(str(sources.config), sources.load) for sources in several])
    except ConfigError as error:
        # No log format is known yet.
        return show_failure(error)
    if len(loaded) > 1 or loaded[0].sink.tasks_max > 1:
        return _supervise(several, loaded)
    sink = loaded[0].sink
    configure(sink.log_format, sink.log_level, sink.name)
    _announce(loaded[0])
    return run_task(loaded[0])


def run_task(loaded: LoadedConfig, task_id: TaskId = ALONE, link: SupervisorLink | None = None) -> ExitCode:
    """Run one task in this process until a signal, or until `link` stops it; how it ended."""
    # This loads the clients of Kafka and AWS: a wrong file is told without them, and a supervisor does without.
    from kafka_lambda_sink.connector.task import Task  # noqa: PLC0415

    try:
        task = Task(loaded, SystemClock(), task_id=task_id)
    except KafkaLambdaSinkError as error:
        return _ended(error)
    stops = Signals(task.request_stop)
    if link is not None:
        link.serve(task)
    try:
        task.start()
        while not task.join(timeout=1.0):
            pass
        failure = task.failure
    except KafkaLambdaSinkError as error:
        # A start that was still waiting for a service is no failure when somebody ended it.
        failure = None if stops.is_stopping or (link is not None and link.is_stopping) else error
    if link is not None:
        link.close(task, failure)
    return _ended(failure)


def _supervise(several: Sequence[Sources], loaded: Sequence[LoadedConfig]) -> ExitCode:
    # One task does without these.
    from kafka_lambda_sink.telemetry.line_lock import LineLock  # noqa: PLC0415
    from kafka_lambda_sink.worker.supervisor import Supervisor  # noqa: PLC0415

    line_lock = LineLock.create()
    sink = loaded[0].sink
    configure(sink.log_format, sink.log_level, None, open_handler=line_lock.handler)
    for each in loaded:
        _announce(each)
    supervisor = Supervisor(
        [_plan(*each) for each in zip(several, loaded, strict=True)],
        module="kafka_lambda_sink.cli.task_process",
        clock=SystemClock(),
        draw=random.SystemRandom().random,
        line_lock=line_lock,
    )
    Signals(supervisor.request_stop, at_once=supervisor.kill)
    code = supervisor.run()
    _log.info("stopped", exit_code=int(code))
    return code


def _plan(sources: Sources, loaded: LoadedConfig) -> ConnectorPlan:
    return ConnectorPlan(
        name=loaded.sink.name,
        group=loaded.clients.group_id,
        tasks=loaded.sink.tasks_max,
        stop_timeout=loaded.sink.shutdown_timeout_ms / 1000,
        config=str(sources.config),
        worker=None if sources.worker is None else str(sources.worker),
        overrides=sources.overrides,
    )


def _ended(failure: KafkaLambdaSinkError | None) -> ExitCode:
    if failure is None:
        _log.info("stopped")
    else:
        _log.error("stopped by a failure", error=str(failure), error_id=failure.error_id, hint=failure.hint)
    return exit_code(failure)


def _announce(loaded: LoadedConfig) -> None:
    """What is in force, what is ignored, what a person should know. One line each, once."""
    sink = loaded.sink
    _log.info(
        "starting",
        connector=sink.name,
        group=loaded.clients.group_id,
        topics=list(sink.topics) or sink.topics_regex,
        key_converter=sink.key_converter,
        value_converter=sink.value_converter,
        value_converter_schemas_enable=sink.value_converter_schemas_enable,
        invocation_type=sink.aws_lambda_invocation_type,
        batch_size=sink.aws_lambda_batch_size,
        behavior_on_error=sink.behavior_on_error,
        response_topic=sink.aws_lambda_response_topic,
        error_topic=sink.aws_lambda_error_topic,
    )
    if loaded.ignored:
        _log.info("ignored keys", connector=sink.name, keys={ignored.key: ignored.reason for ignored in loaded.ignored})
    for warning in loaded.warnings:
        _log.warning("configuration", connector=sink.name, problem=str(warning), error_id=warning.error_id)
