"""From `transforms.NAME.…` and `predicates.NAME.…` to transforms that can be built, or to everything that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pydantic import ValidationError

from kafka_lambda_sink.config.collecting import Collected
from kafka_lambda_sink.config.settings import Setting, overridden_by
from kafka_lambda_sink.core.errors import Problem
from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.core.problem_id import ProblemId
from kafka_lambda_sink.core.sink_record import Predicate, Transform
from kafka_lambda_sink.transforms.catalog import (
    UnknownTypeError,
    predicate_names,
    predicate_type,
    transform_names,
    transform_type,
)
from kafka_lambda_sink.transforms.chain import Step, TransformChain
from kafka_lambda_sink.transforms.entry_points import GROUP, load_transform
from kafka_lambda_sink.transforms.options import TRUTH, Options

_TRANSFORMS: Final = "transforms"
_PREDICATES: Final = "predicates"
#: Keys of a transform that are not its type's own.
_COMMON: Final = ("type", "predicate", "negate")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One transform, ready to be built: each pipeline has its own, for a transform may remember what it saw."""

    alias: str
    class_name: str
    build: Callable[[], Transform]
    build_predicate: Callable[[], Predicate] | None
    is_negated: bool


@dataclass(frozen=True, slots=True)
class TransformPlan:
    """The transforms of a connector, in their order."""

    steps: tuple[StepPlan, ...] = ()

    def chain(self, clock: Clock, retry_timeout: float) -> TransformChain:
        """New transforms, for one thread. `retry_timeout` in seconds."""
        return TransformChain(
            [
                Step(
                    alias=step.alias,
                    class_name=step.class_name,
                    transform=step.build(),
                    predicate=step.build_predicate() if step.build_predicate else None,
                    is_negated=step.is_negated,
                )
                for step in self.steps
            ],
            clock,
            retry_timeout,
        )


@dataclass(slots=True)
class _Planning:
    """What is found while the settings are read."""

    collected: Collected
    settings: dict[str, Setting] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def own(self, prefix: str, common: tuple[str, ...]) -> dict[str, Setting]:
        """The settings below `prefix`, by what follows it, without the common ones."""
        return {
            key.removeprefix(prefix): setting
            for key, setting in self.settings.items()
            if key.startswith(prefix) and key.removeprefix(prefix) not in common
        }

    def take(self, key: str) -> Setting | None:
        self.used.add(key)
        return self.settings.get(key)

    def problem(
        self, setting: Setting | None, key: str, error_id: ProblemId, message: str, hint: str | None = None
    ) -> None:
        made = (
            setting.problem(error_id, message, hint)
            if setting
            else Problem(key=key, message=message, error_id=error_id, hint=hint)
        )
        self.collected.problems.append(made)


def plan_transforms(collected: Collected, transforms: tuple[str, ...], predicates: tuple[str, ...]) -> TransformPlan:
    """Check every setting of transforms and predicates; adds to the problems, warnings and ignored keys."""
    planning = _Planning(collected)
    for layer in collected.plugins:
        for key, setting in layer.items():
            winner = planning.settings.setdefault(key, setting)
            if winner is not setting:
                collected.ignored[setting] = overridden_by(winner)
    known = {alias: _predicate(planning, alias) for alias in predicates}
    steps = [step for step in (_step(planning, alias, known) for alias in transforms) if step is not None]
    for key, setting in planning.settings.items():
        if key not in planning.used:
            kind, alias, *_ = key.split(".")
            collected.ignored[setting] = f"{alias} is not in {kind}"
    return TransformPlan(tuple(steps))


def _step(planning: _Planning, alias: str, predicates: Mapping[str, Callable[[], Predicate] | None]) -> StepPlan | None:
    prefix = f"{_TRANSFORMS}.{alias}."
    predicate = planning.take(f"{prefix}predicate")
    build_predicate = None
    if predicate is not None:
        name = predicate.value.strip()
        build_predicate = predicates.get(name)
        if name not in predicates:
            planning.problem(predicate, "", "invalid-value", "names no predicate", f"predicates must list {name}")
    negate = planning.take(f"{prefix}negate")
    is_negated = TRUTH.get(negate.value.strip().lower()) if negate else False
    if negate and is_negated is None:
        planning.problem(negate, "", "invalid-value", "must be true or false")
    build = _transform(planning, prefix)
    if build is None:
        return None
    class_name = planning.settings[f"{prefix}type"].value.strip()
    return StepPlan(alias, class_name, build, build_predicate, bool(is_negated))


def _transform(planning: _Planning, prefix: str) -> Callable[[], Transform] | None:
    own = planning.own(prefix, _COMMON)
    planning.used.update(prefix + name for name in own)
    named = _type(planning, prefix, transform_names())
    if named is None:
        return None
    try:
        found, target = transform_type(named.value)
    except UnknownTypeError as error:
        return _own_transform(planning, named, own, str(error))
    options = _options(planning, found.options, prefix, own)
    return None if options is None else _tried(planning, named, lambda: found.build(options, target))


def _own_transform(
    planning: _Planning, named: Setting, own: Mapping[str, Setting], unknown: str
) -> Callable[[], Transform] | None:
    """One that a package of the user's brings. `unknown` is said where none does."""
    try:
        custom = load_transform(named.value.strip())
    except Exception as error:  # noqa: BLE001 - it is the user's code
        planning.problem(named, "", "invalid-value", f"cannot be loaded: {type(error).__name__}: {error}")
        return None
    if custom is None:
        hint = f"A package that registers it under the entry point group {GROUP} must be installed beside this one"
        planning.problem(named, "", "unknown-class", unknown, hint)
        return None
    secrets = [setting.value for setting in own.values() if setting.is_provided and setting.value]

    def build() -> Transform:
        try:
            # Texts of its own each time: it may take away what it has read.
            transform = custom({name: setting.value for name, setting in own.items()})
        except Exception as error:
            if any(secret in str(error) for secret in secrets):
                raise ValueError(type(error).__name__) from None
            raise
        if not callable(transform):
            raise TypeError(f"it makes a {type(transform).__name__} where a transform was expected")
        return transform

    return _tried(planning, named, build)


def _predicate(planning: _Planning, alias: str) -> Callable[[], Predicate] | None:
    prefix = f"{_PREDICATES}.{alias}."
    own = planning.own(prefix, ("type",))
    planning.used.update(prefix + name for name in own)
    named = _type(planning, prefix, predicate_names())
    if named is None:
        return None
    try:
        found = predicate_type(named.value)
    except UnknownTypeError as error:
        planning.problem(named, "", "unknown-class", str(error))
        return None
    options = _options(planning, found.options, prefix, own)
    return None if options is None else _tried(planning, named, lambda: found.build(options))


def _type(planning: _Planning, prefix: str, names: list[str]) -> Setting | None:
    named = planning.take(f"{prefix}type")
    if named is None or not named.value.strip():
        planning.problem(named, f"{prefix}type", "missing-key", "is required", f"One of {', '.join(names)}")
        return None
    return named


def _options(planning: _Planning, options: type[Options], prefix: str, own: Mapping[str, Setting]) -> Options | None:
    try:
        return options.model_validate({name: setting.value for name, setting in own.items()})
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
    for detail in details:
        name = str(detail["loc"][0]) if detail["loc"] else "type"
        setting = own.get(name) or planning.settings.get(prefix + name)
        message = str(detail["msg"]).removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            _unknown(planning, own[name], name, options)
        elif detail["type"] == "missing":
            planning.problem(None, prefix + name, "missing-key", "is required")
        else:
            hidden = setting is not None and setting.is_provided
            text = "the value that its config provider gave is not valid" if hidden else message
            planning.problem(setting, prefix + name, "invalid-value", text)
    if any(detail["type"] != "extra_forbidden" for detail in details):
        return None
    known = {name: setting.value for name, setting in own.items() if name in _names(options)}
    return options.model_validate(known)


def _unknown(planning: _Planning, setting: Setting, name: str, options: type[Options]) -> None:
    """As everywhere: an error, or a warning in a file that Connect, which ignores such keys, has run."""
    like = difflib.get_close_matches(name, _names(options), n=1)
    problem = setting.problem("unknown-key", "unknown key", f"Did you mean {like[0]}?" if like else None)
    if planning.collected.is_foreign:
        planning.collected.ignored[setting] = "unknown here"
        planning.collected.warnings.append(problem)
    else:
        planning.collected.problems.append(problem)


def _names(options: type[Options]) -> list[str]:
    return [info.alias or name for name, info in options.model_fields.items()]


def _tried(planning: _Planning, named: Setting, build: Callable[[], _T]) -> Callable[[], _T] | None:
    """Build once, to see that it can be. A user's own transform may raise anything."""
    try:
        build()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a problem of the configuration
        planning.problem(named, "", "invalid-value", f"cannot be built: {error}")
        return None
    return build
