"""Functions with a state of their own, which answer with rows of entities."""

from __future__ import annotations

import json
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from kafka_lambda_sink.config.declaration import LOW, Declared, Group


def _checked_object(secret: SecretStr | None) -> SecretStr | None:
    text = secret.get_secret_value().strip() if secret is not None else ""
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("must be the JSON text of an object")  # noqa: TRY004 - pydantic's wrong value
    return SecretStr(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


class FunctionConnectorGroup(Group):
    """Requests of the format `function-connector`. See docs/contracts.md."""

    title: ClassVar[str] = "Function connectors"

    aws_lambda_function_connector_topic: Annotated[str, LOW] = Field(default="${entity}", min_length=1)
    """Topic of an entity's rows; may have `${entity}` and `${connector}`. It is one of
    `aws.lambda.reply.routing.topics`, or the response topic."""

    aws_lambda_function_connector_max_calls: Annotated[int, Declared("low", unit="calls")] = Field(
        default=100, ge=1, le=1_000_000
    )
    """Calls for one batch at most: a function that still has more then has failed."""

    aws_lambda_function_connector_secrets: Annotated[SecretStr | None, LOW, AfterValidator(_checked_object)] = None
    """`secrets` of each request, a JSON object, which a config provider or the environment gives:
    `${dir:/run/secrets:function.json}`."""
