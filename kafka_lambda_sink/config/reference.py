"""The reference of all properties, generated from their declaration.

`python -m kafka_lambda_sink.config.reference` writes docs/configuration.md and config/reference.properties.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from kafka_lambda_sink.config.clients.table import PASSED, Client
from kafka_lambda_sink.config.clients.withheld import IGNORED, REFUSED
from kafka_lambda_sink.config.differences import DIFFERENCES
from kafka_lambda_sink.config.environment import variable_of
from kafka_lambda_sink.config.keys import declaration, key_of
from kafka_lambda_sink.config.model import GROUPS, SinkConfig

_TYPES: dict[Any, str] = {int: "integer", bool: "true or false", str: "text", SecretStr: "secret"}
_WIDTH = 110


class Entry(NamedTuple):
    """One property as the reference shows it."""

    key: str
    #: Type, or the values it may have.
    values: str
    #: Default as text; `required`, or empty for none.
    default: str
    importance: str
    aliases: tuple[str, ...]
    doc: str


def entries(*, only_important: bool = False) -> Iterator[tuple[str, list[Entry]]]:
    """Title of each group, and its properties in the order of their declaration."""
    for group in GROUPS:
        found = [_entry(attribute) for attribute in group.model_fields]
        shown = [entry for entry in found if entry.importance == "high" or not only_important]
        if shown:
            yield group.title, shown


def _entry(attribute: str) -> Entry:
    field = SinkConfig.model_fields[attribute]
    declared = declaration(attribute)
    return Entry(
        key=key_of(attribute),
        values=_values(field, declared.unit),
        default="required" if declared.is_required else _default(field),
        importance=declared.importance,
        aliases=declared.aliases,
        doc=" ".join((field.description or "").split()),
    )


def _values(field: FieldInfo, unit: str | None) -> str:
    kind, *others = [part for part in _union(field.annotation) if part is not type(None)]
    if get_origin(kind) is Literal:
        named = ", ".join(str(value) for value in get_args(kind))
        return named if not others else f"{named} or {_TYPES[others[0]]} ({unit})"
    if get_origin(kind) is tuple:
        return "list with commas"
    name = _TYPES[kind]
    low = next((item.ge for item in field.metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in field.metadata if hasattr(item, "le")), None)
    limits = f" from {low}" if low is not None and high is None else f" {low} to {high}" if low is not None else ""
    return f"{name}{limits}{f' ({unit})' if unit else ''}"


def _union(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default == ():
        return ""
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def render_markdown(*, only_important: bool = False) -> str:
    """docs/configuration.md, or with `only_important` the properties that a first sink may want."""
    lines = [_INTRODUCTION.strip(), ""]
    for title, group in entries(only_important=only_important):
        lines += [f"## {title}", "", "| Property | Values | Default | |", "|---|---|---|---|"]
        lines += [_row(entry) for entry in group]
        lines.append("")
    if not only_important:
        lines += _client_sections()
        lines += [_DIFFERENCES_HEAD.strip(), "", "| | Confluent's connector | here | why |", "|---|---|---|---|"]
        lines += [f"| {d.what} | {d.there} | {d.here} | {d.why} |" for d in DIFFERENCES]
        lines.append("")
    return "\n".join(lines)


def _row(entry: Entry) -> str:
    also = f" Also: {', '.join(f'`{alias}`' for alias in entry.aliases)}." if entry.aliases else ""
    default = entry.default if entry.default in {"", "required"} else f"`{entry.default}`"
    return f"| `{entry.key}` | {entry.values} | {default} | {_cell(entry.doc + also)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _client_sections() -> Iterator[str]:
    yield from (_CLIENTS.strip(), "", "| Property | Clients | In librdkafka |", "|---|---|---|")
    for name, passed in sorted(PASSED.items()):
        same = "the same" if passed.target == name else f"`{passed.target}`"
        limits = "" if passed.limits is None else f", {passed.limits.least} to {passed.limits.most}"
        yield f"| `{name}` | {_clients(passed.clients)} | {same}{limits} |"
    yield from ("", "Accepted without effect:", "", "| Property | Reason |", "|---|---|")
    yield from (f"| `{name}` | {reason} |" for name, reason in sorted(IGNORED.items()))
    yield from ("", "Refused:", "", "| Property | Reason | Unless it is |", "|---|---|---|")
    for name, refused in sorted(REFUSED.items()):
        unless = ", ".join(f"`{value}`" for value in sorted(refused.harmless) if value)
        yield f"| `{name}` | {refused.reason} | {unless} |"
    yield ""


def _clients(clients: Client) -> str:
    if clients == Client.ALL:
        return "all"
    return {Client.PRODUCER: "producers", Client.CONSUMER: "consumers"}.get(clients, "consumers")


def render_properties(*, only_important: bool = False) -> str:
    """config/reference.properties: every property with its default, commented out where it has one."""
    lines = ["# Every property with its default. Generated from the code: a test compares them.", ""]
    if only_important:
        lines[0] = "# The properties that matter most, with their defaults. `reference --all` prints the rest."
    for title, group in entries(only_important=only_important):
        lines += [f"# --- {title} ".ljust(_WIDTH, "-"), ""]
        for entry in group:
            lines += _comment(f"{entry.doc} [{entry.values}]")
            is_required = entry.default == "required"
            lines += [f"{'' if is_required else '#'}{entry.key}={'' if is_required else entry.default}", ""]
    return "\n".join(lines)


def _comment(text: str) -> list[str]:
    lines = ["#"]
    for word in text.split():
        if len(lines[-1]) + len(word) >= _WIDTH:
            lines.append("#")
        lines[-1] += f" {word}"
    return lines


_INTRODUCTION = f"""
# Configuration

Generated from the declaration of the properties. Names are those of Kafka Connect and of Confluent's AWS Lambda sink
connector; a properties file written for it works as it is.

Values come from the command line, the environment, the connector's file, and the worker file (`--worker`), in this
order of precedence. In the environment `aws.lambda.batch.size` is `{variable_of("aws.lambda.batch.size")}`:
`_` for `.`, `__` for `_`, `___` for `-`.

`${{env:NAME}}`, `${{file:path:key}}` and `${{dir:path:file}}` in a value are replaced, once. Files are read below the
configuration file's directory and /run/secrets, and below `config.providers.allowed.paths`, which the command line, the
environment or the worker file may set.
"""

_CLIENTS = """
## Kafka clients

| Prefix | Clients |
|---|---|
| none | all clients of the source's cluster: security, `client.id`, `client.rack`, `client.dns.lookup` |
| `consumer.override.` | the consumers; `consumer.` in a worker file |
| `producer.override.` | the producer of the dead letter topic; `producer.` in a worker file |
| `admin.override.` | the admin client; `admin.` in a worker file |
| `aws.lambda.response.`, `aws.lambda.error.` | the producers of the response and the error topic |
| `reporter.producer.`, `reporter.` | both of them |
| `reporter.admin.` | the admin client that creates these topics |

A client of the source's cluster without security of its own takes the consumers'. One with other
`bootstrap.servers` takes nothing: credentials do not go to another cluster.

Security is `security.`, `sasl.`, `ssl.` and `enable.ssl.`. Names of the Java client are translated to librdkafka's.
`sasl.jaas.config` (Plain, Scram, OAuthBearer, MSK IAM) and stores (JKS, PKCS#12, PEM) are translated too; JKS and
PKCS#12 stores are read into memory as PEM.
"""

_DIFFERENCES_HEAD = """
## Where this differs from Confluent's connector
"""


def main(root: Path = Path()) -> None:
    """Write the generated files below `root`."""
    (root / "docs").mkdir(exist_ok=True)
    (root / "config").mkdir(exist_ok=True)
    (root / "docs" / "configuration.md").write_text(render_markdown(), encoding="utf-8")
    (root / "config" / "reference.properties").write_text(render_properties(), encoding="utf-8")


if __name__ == "__main__":
    main()
