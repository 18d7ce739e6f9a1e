"""YAML and HCL, by libraries that are installed with the extra `migrate` and imported only here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kafka_lambda_sink.migration.migration import MigrationError

_HINT: Final = "pip install 'kafka-lambda-sink[migrate]'"


def parse_yaml(text: str) -> Any:
    """A document, with the short forms of CloudFormation's functions as the long ones. Raises MigrationError."""
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError:
        raise MigrationError("YAML needs the package PyYAML", hint=_HINT) from None

    class Loader(yaml.SafeLoader):
        """Knows `!Ref`, `!GetAtt` and the like."""

    def function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
        value: Any
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            assert isinstance(node, yaml.MappingNode)
            value = loader.construct_mapping(node, deep=True)
        return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}

    Loader.add_multi_constructor("!", function)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise MigrationError(f"the file is not YAML: {error}") from None


def parse_hcl(text: str) -> Mapping[str, Any]:
    """Blocks and attributes. Raises MigrationError."""
    try:
        import hcl2  # noqa: PLC0415 - an extra
    except ImportError:
        raise MigrationError("Terraform's language needs the package python-hcl2", hint=_HINT) from None
    try:
        document: Mapping[str, Any] = hcl2.loads(text)
    except Exception as error:  # noqa: BLE001 - the parser's errors have no class of their own
        raise MigrationError(f"the file is not HCL: {str(error).splitlines()[0]}") from None
    return document
