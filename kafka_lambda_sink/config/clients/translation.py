"""One client's properties, from Java's names and values to librdkafka's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kafka_lambda_sink.config.clients.security import (
    HANDLED,
    HARMLESS_HANDLERS,
    SecurityTranslation,
    complete_security,
)
from kafka_lambda_sink.config.clients.table import (
    OTHER_REQUEST_TIMEOUT,
    PASSED,
    PRODUCER_REQUEST_TIMEOUT,
    REQUEST_TIMEOUT,
    Client,
    Passed,
)
from kafka_lambda_sink.config.clients.withheld import IGNORED, REFUSED
from kafka_lambda_sink.config.settings import Setting
from kafka_lambda_sink.core.errors import Problem

#: Java's "as little" and "as much as possible".
_EXTREMES = frozenset({0, 2**31 - 1, 2**63 - 1})


class SecretProperties(dict[str, str]):
    """Properties of a client, passwords and keys included: what is printed is only their names."""

    def __init__(self, values: Mapping[str, str], origins: Mapping[str, Setting]) -> None:
        super().__init__(values)
        #: The setting that each came from, where there is one.
        self.origins = origins

    def __repr__(self) -> str:
        """The names."""
        return f"<properties: {', '.join(sorted(self))}>"

    __str__ = __repr__


def is_client_key(name: str) -> bool:
    """Whether a client property of this name is known, whatever becomes of it."""
    return name in PASSED or name in IGNORED or name in REFUSED or name in HANDLED or name == REQUEST_TIMEOUT


def known_client_keys() -> list[str]:
    """Every name that `is_client_key` knows."""
    return sorted({*PASSED, *IGNORED, *REFUSED, *HANDLED, REQUEST_TIMEOUT})


@dataclass(slots=True)
class Translated:
    """What became of the settings of one client."""

    #: librdkafka's name → value and the clients it is for.
    entries: dict[str, tuple[str, Client]] = field(default_factory=dict)
    #: librdkafka's name → where it came from.
    origins: dict[str, Setting] = field(default_factory=dict)
    ignored: list[tuple[Setting, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def properties(self, client: Client) -> SecretProperties:
        """Those for one kind of client."""
        mine = {name: value for name, (value, clients) in self.entries.items() if clients & client}
        return SecretProperties(mine, self.origins)


def translate(settings: Mapping[str, Setting], clients: Client, bootstrap: Setting | None) -> Translated:
    """Translate the settings of one client, by Java's or librdkafka's name without their prefix.

    `bootstrap` is where the client's brokers are named: a listener's name before an address says the protocol.
    """
    result = Translated()
    for name, setting in settings.items():
        passed = _passed(name, clients)
        if passed is not None:
            _pass(setting, passed, clients, result)
        elif name in REFUSED:
            _refuse(name, setting, result)
        elif name in PASSED:
            result.ignored.append((setting, f"not a property of a {_title(clients)}"))
        elif name in IGNORED:
            result.ignored.append((setting, IGNORED[name]))
    security = SecurityTranslation(settings)
    result.problems += security.problems
    properties = {name: value for name, (value, _) in result.entries.items()} | security.properties
    problems, warnings = complete_security(properties, settings, bootstrap)
    if not security.problems:  # what they left out would be missed again here
        result.problems += problems
    result.warnings += warnings
    for name, value in properties.items():
        result.entries.setdefault(name, (value, Client.ALL))
    for name, value in security.properties.items():
        result.entries[name] = (value, Client.ALL)
    result.origins = security.origins | result.origins
    return result


def _passed(name: str, clients: Client) -> Passed | None:
    if name == REQUEST_TIMEOUT:
        return PRODUCER_REQUEST_TIMEOUT if clients == Client.PRODUCER else OTHER_REQUEST_TIMEOUT
    passed = PASSED.get(name)
    return passed if passed is not None and passed.clients & clients else None


def _pass(setting: Setting, passed: Passed, clients: Client, result: Translated) -> None:
    try:
        value = _fit(setting, passed, passed.convert(setting.value), result)
    except ValueError as error:
        message = str(error) if not str(error).startswith("invalid literal") else "must be a whole number"
        result.problems.append(setting.problem("invalid-value", message))
        return
    earlier = result.entries.get(passed.target)
    if earlier is not None and earlier[0] != value:
        other = result.origins[passed.target].key
        result.problems.append(setting.problem("conflict", f"means the same as {other}, with another value"))
        return
    result.origins[passed.target] = setting
    result.entries[passed.target] = (value, passed.clients & clients)


def _fit(setting: Setting, passed: Passed, value: str, result: Translated) -> str:
    """The nearest value within the limits. What is below 0 means nothing in Java either: librdkafka refuses it."""
    limits = passed.limits
    number = 0 if limits is None else int(value)
    if limits is None or number < 0 or limits.least <= number <= limits.most:
        return value
    fitted = min(max(number, limits.least), limits.most)
    if limits.reason is not None or int(setting.value) not in _EXTREMES:
        given = "a number of a config provider" if setting.is_provided else setting.value.strip()
        reason = limits.reason or "librdkafka takes less than Java's client"
        message = f"is {given}, and {fitted} is in force: {reason}"
        hint = f"Set {limits.least} to {limits.most}"
        result.warnings.append(setting.problem("value-cut", message, hint))
    return str(fitted)


def _refuse(name: str, setting: Setting, result: Translated) -> None:
    values = [part.strip().lower() for part in setting.value.split(",")]
    if name.endswith("callback.handler.class") and set(values) <= HARMLESS_HANDLERS:
        result.ignored.append((setting, "the login module in sasl.jaas.config says the same"))
    elif set(values) <= REFUSED[name].harmless:
        result.ignored.append((setting, "the sink does so anyway"))
    else:
        result.problems.append(setting.problem("refused-key", f"is refused: {REFUSED[name].reason}"))


def _title(clients: Client) -> str:
    if clients & Client.CONSUMER:
        return "consumer"
    return "producer" if clients & Client.PRODUCER else "admin client"
