"""Sorts settings: properties of ours, of the clients, ignored, not built yet, unknown."""

from __future__ import annotations

from dataclasses import dataclass, field

from kafka_lambda_sink.config.elsewhere import ignored_reason, is_foreign, not_built
from kafka_lambda_sink.config.environment import is_service_link
from kafka_lambda_sink.config.keys import PLUGINS, ClientKey, attributes, client_key, nearest, worker_key
from kafka_lambda_sink.config.providers import ALLOWED_PATHS
from kafka_lambda_sink.config.settings import ENVIRONMENT, Setting
from kafka_lambda_sink.core.errors import Problem


@dataclass(slots=True)
class Collected:
    """Settings of all layers, sorted. Layers have the highest precedence first."""

    #: Layer by layer: attribute of `SinkConfig` → settings that name it (more than one: aliases).
    fields: list[dict[str, list[Setting]]] = field(default_factory=list)
    #: Layer by layer: client properties.
    clients: list[list[tuple[ClientKey, Setting]]] = field(default_factory=list)
    #: Layer by layer: `transforms.NAME.…` and `predicates.NAME.…` by their keys.
    plugins: list[dict[str, Setting]] = field(default_factory=list)
    #: A `reporter.*` key is present: its defaults are in force.
    has_reporter: bool = False
    #: `connector.class` names another project's connector.
    is_foreign: bool = False
    #: `aws.credentials.provider.class`, if present.
    credentials_provider: Setting | None = None
    ignored: dict[Setting, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def winner(self, attribute: str) -> Setting | None:
        """The setting of the highest layer that names an attribute."""
        return next((layer[attribute][0] for layer in self.fields if attribute in layer), None)


def collect(layers: list[list[Setting]]) -> Collected:
    """Sort the settings of all layers, the highest precedence first."""
    collected = Collected()
    classes = [setting for layer in layers for setting in layer if setting.key == "connector.class"]
    collected.is_foreign = bool(classes) and is_foreign(classes[0].value)
    for layer in layers:
        collected.fields.append({})
        collected.clients.append([])
        collected.plugins.append({})
        for setting in layer:
            _sort(setting, collected)
    return collected


def _sort(setting: Setting, collected: Collected) -> None:
    key = worker_key(setting.key) if setting.from_worker else setting.key
    collected.has_reporter |= key.startswith("reporter.")
    attribute = attributes().get(key)
    if attribute is not None:
        collected.fields[-1].setdefault(attribute, []).append(setting)
        return
    if key.startswith(PLUGINS) and not setting.from_worker:
        collected.plugins[-1][key] = setting
        return
    if key == "aws.credentials.provider.class" and collected.credentials_provider is None:
        collected.credentials_provider = setting
    what = not_built(key, setting.value)
    if what is not None:
        if setting.value.strip():
            collected.problems.append(setting.problem("not-built-yet", f"{what} known and not built yet"))
        else:
            collected.ignored[setting] = "it is empty"
        return
    if key.startswith("config.providers"):
        _sort_provider(setting, collected)
        return
    client = client_key(key)
    reason = ignored_reason(key, from_worker=setting.from_worker)
    if reason is not None:
        _ignore(setting, reason, collected)
    elif client is not None:
        collected.clients[-1].append((client, setting))
    else:
        _unknown(setting, collected)


def _ignore(setting: Setting, reason: str, collected: Collected) -> None:
    collected.ignored[setting] = reason
    if setting.key == "group.id" and not setting.from_worker:
        collected.warnings.append(setting.problem("no-effect", f"is ignored, as in Connect: {reason}"))


def _sort_provider(setting: Setting, collected: Collected) -> None:
    if setting.source == ENVIRONMENT or setting.from_worker or setting.line is None:
        return
    hint = f"Say {ALLOWED_PATHS} on the command line, in the environment or in the worker file"
    message = "a connector's file must not choose what may be read"
    collected.problems.append(setting.problem("refused-key", message, hint))


def _unknown(setting: Setting, collected: Collected) -> None:
    if setting.source == ENVIRONMENT and is_service_link(setting.key):
        collected.ignored[setting] = "set by Kubernetes for a service"
        return
    like = nearest(setting.key)
    hint = f"Did you mean {like}?" if like else None
    problem = setting.problem("unknown-key", "unknown key", hint)
    # An environment is shared with other programs: what resembles no key of ours is somebody else's variable.
    is_stray = setting.source == ENVIRONMENT and like is None
    if setting.from_worker or collected.is_foreign or is_stray:
        collected.ignored[setting] = "unknown here"
        collected.warnings.append(problem)
    else:
        collected.problems.append(problem)
