"""Print docs/migration.md, whose tables are made of the rules of `kafka_lambda_sink.migration`.

python scripts/migration_reference.py > docs/migration.md
"""  # noqa: INP001  # a script

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from kafka_lambda_sink.migration import confluent, confluent_cloud, event_source_mapping, nordstrom, terraform
from kafka_lambda_sink.migration.aws_templates import SAM_NAMES
from kafka_lambda_sink.migration.migration import Rule
from kafka_lambda_sink.migration.serverless import NAMES as SERVERLESS_NAMES

_INTRODUCTION = """\
# Migration

Made by `scripts/migration_reference.py` from the code; a test compares.

    kafka-lambda-sink migrate FILE --out sink.properties
    kafka-lambda-sink check --config sink.properties

writes our properties from the configuration of another connector or trigger. A table on standard error (with `--json`
a document) tells of every setting: **mapped**, **dropped** with the reason, or **needs a decision**. Decisions stand at
the end of the file, as comments with the lines that are proposed. Formats are told apart by their content, and by
`.tf`, `.yaml`, `.yml`; YAML and Terraform's language need `pip install 'kafka-lambda-sink[migrate]'`.

- What a file refers to and does not say (`Ref`, `GetAtt`, `var.x`, `${opt:stage}`, secrets of a vault) becomes
  `${NAME}` and is asked for by that name: `--resolve NAME=VALUE`. Defaults of parameters and variables are taken, and
  told. A whole block that is a reference (`FilterCriteria: !If […]`, Terraform's `dynamic`) needs a decision.
- Of a file with several connectors or triggers, `--only NAME` says which.
- The new file has the secrets of the old one, hence the mode 600. A file that is there already is never written over.

## Offsets

| from | group | what carries its offsets over |
|---|---|---|
| Confluent's, Nordstrom's connector | `connect-<name>` | nothing: it is ours too |
| Confluent Cloud | `connect-<id of the connector>` | `--take-over-group connect-lcc-…` |
| an event source mapping | its consumer group id, else its UUID | `--take-over-group NAME` |

Stop or delete the old one first, and wait until `kafka-lambda-sink offsets show --config sink.properties` has no active
members. Where no group is taken over, `auto.offset.reset` says where the sink begins, or
`kafka-lambda-sink offsets reset --to datetime:… --execute` before the first start.
"""
_CONNECT = """
Every other key is ours by the same name, or known to Connect and dropped with the reason. What stands in the worker's
file is asked for: brokers, and converters that the connector's file does not name.
"""
_CONFLUENT = f"""
## Confluent's connector

The file runs here as it is. The migrated one says what was implied: any `reporter.*` key switches both topics on, with
1 partition and 3 replicas.
{_CONNECT}"""
_CLOUD = f"""
## Confluent Cloud

The JSON of the managed connector, as its API and console show it. Secrets are hidden there and become a decision.
`behavior.on.error` is `log` where it is not said.
{_CONNECT}"""
_NORDSTROM = f"""
## Nordstrom's connector

There, a function that fails counts as delivered, and a batch mixes partitions; here neither is so.
{_CONNECT}"""
_TRIGGER = """
## AWS's event source mapping

Read from the API (`aws lambda get-event-source-mapping`, `list-event-source-mappings`), CloudFormation
(`AWS::Lambda::EventSourceMapping`), SAM (events `MSK` and `SelfManagedKafka`), the Serverless Framework (events `msk`
and `kafka`) and Terraform (`aws_lambda_event_source_mapping` in HCL, or the JSON of `terraform show`). The function
gets the event that it got from AWS: `aws.lambda.request.format=aws-self-managed` or `aws-msk`, keys and values as
`bytes`. What is about the mapping itself (its state, its UUID) is dropped.

| the API | SAM | Serverless | Terraform | ours | |
|---|---|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for text, rules in (
        (_CONFLUENT, confluent.RULES),
        (_CLOUD, confluent_cloud.RULES),
        (_NORDSTROM, nordstrom.RULES),
    ):
        parts.append(text + "\n| theirs | ours | |\n|---|---|---|\n" + "".join(_rows(rules)))
    parts.append(_TRIGGER + "".join(_trigger_rows()))
    return "".join(parts)


def _rows(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        yield f"| `{rule.theirs}` | {_ours(rule)} | {rule.remark} |\n"


def _trigger_rows() -> Iterator[str]:
    sam = {ours: theirs for theirs, ours in SAM_NAMES.items()} | {
        "Filters": "FilterCriteria",
        "OnFailure": "DestinationConfig",
    }
    serverless = {ours: theirs for theirs, ours in SERVERLESS_NAMES.items()}
    serverless["SourceAccessConfigurations"] = "accessConfigurations"
    for rule in event_source_mapping.RULES:
        name = rule.theirs
        if rule.remark == event_source_mapping.STATE:
            continue
        snake = terraform.NESTED_NAMES.get(name) or terraform.snake_name(name)
        names = (name, sam.get(name, name), serverless.get(name, ""), snake)
        yield "| " + " | ".join(f"`{each}`" if each else "" for each in names) + f" | {_ours(rule)} | {rule.remark} |\n"


def _ours(rule: Rule) -> str:
    if not rule.ours:
        return "none"
    return re.sub(r"([\w.*]+\.[\w.*]+|topics)", r"`\1`", rule.ours)


if __name__ == "__main__":
    sys.stdout.write(render())
