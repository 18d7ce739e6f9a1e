"""From sorted settings to the model: aliases, defaults that depend on other keys, and every check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from kafka_lambda_sink.config import checks
from kafka_lambda_sink.config.clients.assembly import Assembly, ClientProperties, assemble
from kafka_lambda_sink.config.collecting import Collected
from kafka_lambda_sink.config.elsewhere import NORDSTROM, credentials_provider_problem
from kafka_lambda_sink.config.finding import Faults
from kafka_lambda_sink.config.function_connector_checks import literal_secrets
from kafka_lambda_sink.config.function_name import parse_function_name
from kafka_lambda_sink.config.groups.request import contract_named
from kafka_lambda_sink.config.keys import key_of
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.settings import Setting, overridden_by
from kafka_lambda_sink.config.transform_plan import TransformPlan, plan_transforms
from kafka_lambda_sink.core.errors import Problem
from kafka_lambda_sink.core.problem_id import ProblemId

_Layers = list[dict[str, str | None]]
#: Stand in for required properties that are missing or wrong, so that the rest can be checked.
_PLACEHOLDERS = {"name": "x", "bootstrap_servers": "x:1"}
_TOPICS = ("aws_lambda_response_topic", "aws_lambda_error_topic")
#: Rows that a function of that format is used to ("batches of up to 500 rows per invocation").
_ROWS = "500"
_BOOLEAN = TypeAdapter(bool)
_HINTS = {
    "bootstrap_servers": "Connect has it in its worker file: name that with --worker, or set the key",
    "name": "It names the consumer group: connect-<name>",
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """The outcome. `config` is None when something in it is wrong; the problems are in `Collected`."""

    config: SinkConfig | None
    clients: ClientProperties
    transforms: TransformPlan


def resolve(collected: Collected, environ: Mapping[str, str]) -> Resolved:
    """Build the model and the client properties; adds to the problems, warnings and ignored keys of `collected`."""
    _drop_converter_settings_of_the_worker(collected)
    _drop_batch_size_of_nordstroms_file(collected)
    _list_overridden(collected)
    layers = [_values(layer, collected) for layer in collected.fields]
    layers.append(_derived(layers, collected, environ))
    _fill_in_connector_name(layers)
    config, wrong = _build(layers, collected)
    assembly = _clients(config, wrong, collected)
    _report(checks.errors(config, assembly.properties), wrong, collected, collected.problems)
    _report(checks.warnings(config), wrong, collected, collected.warnings)
    _check_credentials_provider(collected, has_role=config.aws_role_arn is not None)
    collected.problems += literal_secrets(collected)
    _warn_of_missing_converters(collected)
    plan = plan_transforms(collected, config.transforms, config.predicates)
    return Resolved(None if wrong else config, assembly.properties, plan)


def _values(layer: Mapping[str, list[Setting]], collected: Collected) -> dict[str, str | None]:
    """One value for each attribute of a layer; aliases that differ are a conflict."""
    values: dict[str, str | None] = {}
    for attribute, settings in layer.items():
        first, *others = settings
        for other in others:
            if not _means_the_same(attribute, first.value, other.value):
                message = f"means the same as {first.key}, with another value"
                collected.problems.append(other.problem("conflict", message, "Remove one of them"))
        types = _types_of(attribute)
        # ConfigDef (Kafka 4.1) trims a boolean, and pydantic does not.
        text = first.value.strip() if bool in types else first.value
        values[attribute] = None if not text.strip() and type(None) in types else text
    return values


def _means_the_same(attribute: str, one: str, other: str) -> bool:
    if one.strip() == other.strip():
        return True
    if attribute != "aws_lambda_function_name":
        return False
    try:
        first, second = parse_function_name(one), parse_function_name(other)
    except ValueError:
        return False
    return first.name == second.name and all(
        a is None or b is None or a == b
        for a, b in (
            (first.qualifier, second.qualifier),
            (first.region, second.region),
            (first.account, second.account),
        )
    )


def _types_of(attribute: str) -> tuple[Any, ...]:
    annotation = SinkConfig.model_fields[attribute].annotation
    return get_args(annotation) or (annotation,)


def _drop_converter_settings_of_the_worker(collected: Collected) -> None:
    """A converter named by a connector is configured by that connector alone, as in Connect."""
    for part in ("key", "value", "header"):
        named = next((n for n, layer in enumerate(collected.fields) if f"{part}_converter" in layer), None)
        if named is None:
            continue
        for layer in collected.fields[named + 1 :]:
            for attribute in [name for name in layer if name.startswith(f"{part}_converter_")]:
                reason = f"{part}.converter is set with a higher precedence, and its settings with it"
                collected.ignored |= dict.fromkeys(layer.pop(attribute), reason)


def _drop_batch_size_of_nordstroms_file(collected: Collected) -> None:
    """Its connector has no such key: where the file asks for single records, what else it says changes nothing."""
    enabled = collected.winner("aws_lambda_batch_enabled")
    if enabled is None or not _is_off(enabled.value):
        return
    for layer in collected.fields:
        if any(setting.value.strip() == NORDSTROM for setting in layer.get("connector_class", ())):
            for setting in layer.pop("aws_lambda_batch_size", ()):
                collected.ignored[setting] = f"{enabled.key} is off, and Nordstrom's connector has no such key"
                message = f"has no effect beside {enabled.key}=false"
                collected.warnings.append(setting.problem("no-effect", message))


def _is_off(text: str) -> bool:
    try:
        return not _BOOLEAN.validate_python(text.strip())
    except ValidationError:
        return False


def _list_overridden(collected: Collected) -> None:
    """What a higher layer says too has no effect; the first setting of an attribute is its highest."""
    winners: dict[str, Setting] = {}
    for layer in collected.fields:
        for attribute, settings in layer.items():
            winner = winners.setdefault(attribute, settings[0])
            if winner is not settings[0]:
                collected.ignored |= dict.fromkeys(settings, overridden_by(winner))


def _first(layers: _Layers, attribute: str) -> str | None:
    return next((layer[attribute] for layer in layers if attribute in layer), None)


def _derived(layers: _Layers, collected: Collected, environ: Mapping[str, str]) -> dict[str, str | None]:
    """Defaults that depend on other keys: the lowest layer."""
    derived: dict[str, str | None] = {}
    for part in ("key", "value", "header"):
        converter = _first(layers, f"{part}_converter")
        if converter and converter.strip().rsplit(".", 1)[-1].lower() in {"json", "jsonconverter"}:
            derived[f"{part}_converter_schemas_enable"] = "true"
    connector_class = (_first(layers, "connector_class") or "").strip()
    if connector_class == NORDSTROM:
        derived["aws_lambda_request_format"] = "nordstrom-plain"
    if _is_off(_first(layers, "aws_lambda_batch_enabled") or ""):
        derived["aws_lambda_batch_size"] = "1"
    elif (_first(layers, "aws_lambda_request_format") or "").strip().lower() == "rows":
        derived["aws_lambda_batch_size"] = _ROWS
    contract = contract_named(_first(layers, "result_handler_class"))
    if contract:
        derived["aws_lambda_reply_contract"] = contract
    if collected.has_reporter:
        derived |= {
            "aws_lambda_response_topic": "${connector}-success",
            "aws_lambda_error_topic": "${connector}-error",
            "reporter_result_topic_partitions": "1",
            "reporter_result_topic_replication_factor": "3",
            "reporter_error_topic_partitions": "1",
            "reporter_error_topic_replication_factor": "3",
        }
    endpoint = environ.get("AWS_ENDPOINT_URL_LAMBDA")
    if endpoint:
        derived["aws_lambda_endpoint_url"] = endpoint
    return derived


def _fill_in_connector_name(layers: _Layers) -> None:
    name = (_first(layers, "name") or "").strip()
    for layer in layers:
        for attribute in _TOPICS:
            topic = layer.get(attribute)
            if topic and name:
                layer[attribute] = topic.strip().replace("${connector}", name)


def _build(layers: _Layers, collected: Collected) -> tuple[SinkConfig, set[str]]:
    """The model, and the attributes that are wrong and have their default (or a placeholder) in it."""
    try:
        return SinkConfig.from_layers(layers), set()
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    wrong = {str(detail["loc"][0]) for detail in details}
    for detail in details:
        collected.problems += _field_problems(str(detail["loc"][0]), detail, collected)
    rest: list[dict[str, Any]] = [
        {attribute: value for attribute, value in layer.items() if attribute not in wrong} for layer in layers
    ]
    placeholders = {attribute: value for attribute, value in _PLACEHOLDERS.items() if attribute in wrong}
    return SinkConfig.from_layers([*rest, placeholders]), wrong


def _field_problems(attribute: str, detail: Mapping[str, Any], collected: Collected) -> list[Problem]:
    setting = collected.winner(attribute)
    if setting is None:
        required = detail["type"] == "missing"
        message = "is required" if required else str(detail["msg"])
        error_id: ProblemId = "missing-key" if required else "invalid-value"
        return [Problem(key=key_of(attribute), message=message, error_id=error_id, hint=_HINTS.get(attribute))]
    if setting.is_provided:
        return [setting.problem("invalid-value", "the value that its config provider gave is not valid")]
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, Faults):
        return [setting.problem("invalid-value", message, hint) for message, hint in cause.faults]
    message = str(detail["msg"]).removeprefix("Value error, ")
    return [setting.problem("not-built-yet" if "not built yet" in message else "invalid-value", message)]


def _clients(config: SinkConfig, wrong: set[str], collected: Collected) -> Assembly:
    assembly = assemble(
        collected.clients,
        name=config.name,
        bootstrap=None if "bootstrap_servers" in wrong else collected.winner("bootstrap_servers"),
        has_results=config.aws_lambda_response_topic is not None or bool(config.routing_topics),
        has_error_topic=config.aws_lambda_error_topic is not None,
    )
    collected.ignored |= assembly.ignored
    collected.problems += assembly.problems
    collected.warnings += assembly.warnings
    return assembly


def _report(findings: Any, wrong: set[str], collected: Collected, into: list[Problem]) -> None:
    """Findings as problems, each at its setting; what rests on a value that is wrong anyway is left out."""
    for finding in findings:
        if wrong.intersection(finding.attributes):
            continue
        setting = next((found for found in map(collected.winner, finding.attributes) if found), None)
        if setting is not None:
            into.append(setting.problem(finding.error_id, finding.message, finding.hint))
            continue
        key = key_of(finding.attributes[0]) if finding.attributes else None
        into.append(Problem(key=key, message=finding.message, error_id=finding.error_id, hint=finding.hint))


def _check_credentials_provider(collected: Collected, *, has_role: bool) -> None:
    setting = collected.credentials_provider
    if setting is None or not setting.value.strip():
        return
    problem = credentials_provider_problem(setting.value, has_role=has_role)
    if problem:
        hint = "Remove it for the AWS SDK's own chain, or set aws.role.arn to assume a role"
        collected.problems.append(setting.problem("unknown-class", problem, hint))


def _warn_of_missing_converters(collected: Collected) -> None:
    """Connect takes converters from its worker file: a file from there without any may rest on others than ours."""
    for part in ("key", "value"):
        if collected.is_foreign and collected.winner(f"{part}_converter") is None:
            message = f"is not set: `{SinkConfig.model_fields[f'{part}_converter'].default}` is in force"
            hint = "Connect would take it from its worker file: name that with --worker, or set the key"
            problem = Problem(key=f"{part}.converter", message=message, error_id="default-converter", hint=hint)
            collected.warnings.append(problem)
