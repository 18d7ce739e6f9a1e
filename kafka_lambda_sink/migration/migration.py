"""What becomes of one configuration: our settings, what was dropped, and what a person has to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka_lambda_sink.config.keys import attributes, key_of
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError
from kafka_lambda_sink.migration.references import names_in, replace


class MigrationError(KafkaLambdaSinkError):
    """The file cannot be migrated. The message says why."""

    error_id = "MigrationError"


@dataclass(frozen=True, slots=True)
class Mapped:
    """A setting of theirs that has become one of ours."""

    theirs: str
    ours: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A setting of theirs that is not needed, or has no meaning here."""

    theirs: str
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the file does not say, or what can be had in more than one way."""

    #: A setting of theirs or of ours, or a reference.
    about: str
    question: str
    #: Keys of ours with the values that are proposed: written as comments.
    proposals: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Migration:
    """One configuration on its way. Dialects fill it; `finish` closes it."""

    #: E.g. `AWS event source mapping (SAM)`.
    dialect: str
    #: What it is called there; our connector's name is made of it.
    title: str
    #: The value for each reference that a person has given.
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Our file. Secrets of theirs are in it, and nowhere else.
    settings: dict[str, str] = field(default_factory=dict, repr=False)
    mapped: list[Mapped] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def put(self, theirs: str, key: str, value: object) -> None:
        """Map `theirs` to one of our keys. A contradiction becomes a decision."""
        text = replace(_as_text(value), self.answers)
        if self.settings.get(key, text) != text:
            self.ask(theirs, f"another setting says {key} too, with another value")
        else:
            self.settings[key] = text
            self.mapped.append(Mapped(theirs, key))

    def drop(self, theirs: str, why: str) -> None:
        """Say why a setting has no counterpart."""
        self.dropped.append(Dropped(theirs, why))

    def ask(self, about: str, question: str, *proposals: tuple[str, object]) -> None:
        """Leave something to a person."""
        texts = tuple((key, replace(_as_text(value), self.answers)) for key, value in proposals)
        self.decisions.append(Decision(about, question, texts))

    def finish(self) -> Migration:
        """Ask for every reference that is left, by its name, once."""
        for name in dict.fromkeys(name for value in self.settings.values() for name in names_in(value)):
            keys = ", ".join(key for key, value in self.settings.items() if name in names_in(value))
            self.decisions.append(Decision(f"${{{name}}}", f"give its value, for {keys}: --resolve '{name}=…'"))
        return self


@dataclass(frozen=True, slots=True)
class Given:
    """A setting as it was found."""

    #: As it is written there.
    name: str
    value: Any = field(repr=False)

    @property
    def text(self) -> str:
        """The value, as a setting of ours would have it."""
        return _as_text(self.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of one setting of a dialect. The table of the documentation is made of rules."""

    #: The key, or for a family a text such as `confluent.topic.*`.
    theirs: str
    #: Keys of ours, with commas between; empty for what is dropped.
    ours: str
    remark: str
    apply: Callable[[Migration, Given], None]


def to(theirs: str, ours: str, remark: str = "", convert: Mapping[str, str] | None = None) -> Rule:
    """The same thing under another name; `convert` has the values (in capitals) that are spelt otherwise."""

    def apply(migration: Migration, given: Given) -> None:
        value = given.text
        migration.put(given.name, ours, convert.get(value.strip().upper(), value) if convert else value)

    return Rule(theirs, ours, remark, apply)


def drop(theirs: str, why: str) -> Rule:
    """Something that is not needed here."""
    return Rule(theirs, "", why, lambda migration, given: migration.drop(given.name, why))


def by_name(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Rules by the setting that they are about."""
    return {rule.theirs: rule for rule in rules}


def canonical(key: str) -> str:
    """A key of ours by its own name, where it is given by another one.

    But for those below `reporter.`: any of them switches on what was off.
    """
    attribute = attributes().get(key)
    name = key if attribute is None else key_of(attribute)
    return key if name.startswith("reporter.") else name


def whole_number(value: object) -> int | None:
    """The number that a setting is, or None where it is still a reference."""
    text = _as_text(value).strip()
    return int(text) if text.removeprefix("-").isdecimal() else None


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_as_text(item) for item in value)
    return str(value)
