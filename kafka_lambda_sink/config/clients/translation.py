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
from kafka_lambda_sink.config.clients.table import PASSED, Client, Passed
from kafka_lambda_sink.config.clients.withheld import IGNORED, REFUSED
from kafka_lambda_sink.config.settings import Setting
from kafka_lambda_sink.core.errors import Problem

#: Java calls the time for one request by one name, librdkafka by two.
_REQUEST_TIMEOUT = "request.timeout.ms"


class SecretProperties(dict[str, str]):
    """Properties of a client, passwords and keys included: what is printed is only their names."""

    def __repr__(self) -> str:
        """The names."""
        return f"<properties: {', '.join(sorted(self))}>"

    __str__ = __repr__


def is_client_key(name: str) -> bool:
    """Whether a client property of this name is known, whatever becomes of it."""
    return name in PASSED or name in IGNORED or name in REFUSED or name in HANDLED or name == _REQUEST_TIMEOUT


def known_client_keys() -> list[str]:
    """Every name that `is_client_key` knows."""
    return sorted({*PASSED, *IGNORED, *REFUSED, *HANDLED, _REQUEST_TIMEOUT})


@dataclass(slots=True)
class Translated:
    """What became of the settings of one client."""

    #: librdkafka's name → value and the clients it is for.
    entries: dict[str, tuple[str, Client]] = field(default_factory=dict)
    ignored: list[tuple[Setting, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def properties(self, client: Client) -> SecretProperties:
        """Those for one kind of client."""
        return SecretProperties({name: value for name, (value, clients) in self.entries.items() if clients & client})


def translate(settings: Mapping[str, Setting], clients: Client, bootstrap: Setting | None) -> Translated:
    """Translate the settings of one client, by Java's or librdkafka's name without their prefix.

    `bootstrap` is where the client's brokers are named: a listener's name before an address says the protocol.
    """
    result = Translated()
    origin: dict[str, Setting] = {}
    for name, setting in settings.items():
        passed = _passed(name, clients)
        if passed is not None:
            _pass(setting, passed, clients, result, origin)
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
    return result


def _passed(name: str, clients: Client) -> Passed | None:
    if name == _REQUEST_TIMEOUT:
        return Passed(name if clients == Client.PRODUCER else "socket.timeout.ms", clients)
    passed = PASSED.get(name)
    return passed if passed is not None and passed.clients & clients else None


def _pass(setting: Setting, passed: Passed, clients: Client, result: Translated, origin: dict[str, Setting]) -> None:
    try:
        value = _cut(setting, passed, passed.convert(setting.value), result)
    except ValueError as error:
        message = str(error) if not str(error).startswith("invalid literal") else "must be a whole number"
        result.problems.append(setting.problem("invalid-value", message))
        return
    earlier = result.entries.get(passed.target)
    if earlier is not None and earlier[0] != value:
        other = origin[passed.target].key
        result.problems.append(setting.problem("conflict", f"means the same as {other}, with another value"))
        return
    origin[passed.target] = setting
    result.entries[passed.target] = (value, passed.clients & clients)


def _cut(setting: Setting, passed: Passed, value: str, result: Translated) -> str:
    if passed.most is None or (int(value) != 0 and int(value) <= passed.most):
        return value
    message = f"is {value}, and {passed.most} is in force: a report that is not written by then is produced again"
    hint = f"Nothing is lost by it; set at most {passed.most}"
    result.warnings.append(setting.problem("value-cut", message, hint))
    return str(passed.most)


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
