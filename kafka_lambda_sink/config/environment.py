"""Properties as environment variables: `KLS_AWS_LAMBDA_BATCH_SIZE` is `aws.lambda.batch.size`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kafka_lambda_sink.config.settings import ENVIRONMENT, Setting

PREFIX = "KLS_"
_MEANING = {"_": ".", "__": "_", "___": "-"}
_SPELLING = {".": "_", "_": "__", "-": "___"}
#: Kubernetes sets these in each container for a service whose name starts with `kls`.
_SERVICE_LINK = re.compile(r"KLS_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT(?:_\d+_(?:TCP|UDP)(?:_\w+)?)?)")


def property_of(variable: str) -> str:
    """`KLS_A_B__C___D` → `a.b_c-d`. Three underscores are tried before two, from the left."""
    name = variable.removeprefix(PREFIX).lower()
    return re.sub("_{1,3}", lambda match: _MEANING[match.group()], name)


def variable_of(key: str) -> str:
    """`a.b_c-d` → `KLS_A_B__C___D`."""
    return PREFIX + re.sub("[._-]", lambda match: _SPELLING[match.group()], key).upper()


def is_service_link(key: str) -> bool:
    """Whether Kubernetes, not a person, may have set this property's variable."""
    return _SERVICE_LINK.fullmatch(variable_of(key)) is not None


def environment_settings(environ: Mapping[str, str]) -> list[Setting]:
    """Every `KLS_…` variable, in alphabetical order."""
    return [
        Setting(key=property_of(variable), value=environ[variable], source=ENVIRONMENT)
        for variable in sorted(environ)
        if variable.startswith(PREFIX) and variable != PREFIX
    ]
