"""`kafka-lambda-sink --config sink.properties`: run one connector until a signal."""

from __future__ import annotations

from kafka_lambda_sink.cli.exit_codes import ExitCode, exit_code
from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.cli.signals import Signals
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.core.errors import ConfigError, KafkaLambdaSinkError
from kafka_lambda_sink.telemetry.logs import configure, get_logger

_log = get_logger(__name__)


def run(sources: Sources) -> ExitCode:
    """Run the connector of a configuration file; how it ended."""
    try:
        loaded = sources.load()
    except ConfigError as error:
        # No log format is known yet.
        return show_failure(error)
    configure(loaded.sink.log_format, loaded.sink.log_level, loaded.sink.name)
    _announce(loaded)
    # What follows loads the clients of Kafka and AWS: a wrong file is told without that.
    from kafka_lambda_sink.connector.task import Task  # noqa: PLC0415
    from kafka_lambda_sink.pipeline.clock import SystemClock  # noqa: PLC0415

    try:
        task = Task(loaded, SystemClock())
    except KafkaLambdaSinkError as error:
        return _ended(error)
    stops = Signals(task.request_stop)
    try:
        task.start()
        while not task.join(timeout=1.0):
            pass
    except KafkaLambdaSinkError as error:
        # A start that was still waiting for a service is no failure when somebody ended it.
        return _ended(None if stops.is_stopping else error)
    return _ended(task.failure)


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
        _log.info("ignored keys", keys={ignored.key: ignored.reason for ignored in loaded.ignored})
    for warning in loaded.warnings:
        _log.warning("configuration", problem=str(warning), error_id=warning.error_id)
