"""The function, how it is reached, and who calls it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints

from kafka_lambda_sink.config.declaration import ANY_CASE, HIGH, LOW, MEDIUM, Declared, Group
from kafka_lambda_sink.config.endpoint import checked_url
from kafka_lambda_sink.config.function_name import checked_function_name
from kafka_lambda_sink.config.topic_functions import TopicFunction, parsed_topic_functions

InvocationType = Literal["sync", "async"]
#: Confluent Cloud's words.
ConfigurationMode = Literal["single", "multiple"]


def _checked_function(name: str | None) -> str | None:
    return None if name is None else checked_function_name(name)


class FunctionGroup(Group):
    """The function and its endpoint."""

    title: ClassVar[str] = "Function"

    aws_lambda_function_name: Annotated[
        str | None,
        Declared("high", aliases=("aws.lambda.function.arn",), is_required=True),
        AfterValidator(_checked_function),
    ] = None
    """The function: `name`, `name:alias`, `name:version`, ARN, or partial ARN (`account:function:name`).
    With `aws.lambda.configuration.mode=multiple` not required: the one of topics that the map does not name."""

    aws_lambda_configuration_mode: Annotated[ConfigurationMode, MEDIUM, ANY_CASE] = "single"
    """`single`: all topics go to one function. `multiple`: each goes to that of `aws.lambda.topic2function.map`."""

    aws_lambda_topic2function_map: Annotated[
        tuple[TopicFunction, ...], MEDIUM, BeforeValidator(parsed_topic_functions)
    ] = ()
    """`topic1;function1,topic2;function2`: the function of each topic that is read, named in any of the ways of
    `aws.lambda.function.name`. One with an ARN is called in its ARN's region. Two may share a function. A topic that
    `topics.regex` comes to match and that has no function is not delivered: its partitions stop. So do, where there are
    several functions, those of a function that can no longer be invoked."""

    aws_lambda_region: Annotated[
        str | None,
        Declared("high", aliases=("aws.region",)),
        StringConstraints(strip_whitespace=True, pattern=r"^[a-z]{2,}(-[a-z]+)+-\d+$"),
    ] = None
    """Region of the functions. Default: the ARN's, else what the AWS SDK finds (environment, profile)."""

    aws_lambda_invocation_type: Annotated[InvocationType, HIGH, ANY_CASE] = "sync"
    """`sync` waits for the reply of each batch; `async` hands the batch to Lambda's own queue (status 202)."""

    aws_lambda_endpoint_url: Annotated[str | None, LOW, AfterValidator(checked_url)] = None
    """Endpoint of the Lambda API, for PrivateLink or a local one. Default: `AWS_ENDPOINT_URL_LAMBDA`, else the
    region's."""

    aws_lambda_endpoint_allow_http: Annotated[bool, LOW] = False
    """Whether an endpoint that is not on this machine may be plain http."""

    aws_lambda_endpoint_fips: Annotated[bool | None, LOW] = None
    """Whether the region's FIPS endpoints of Lambda and STS are called. Default: what the AWS settings say
    (`AWS_USE_FIPS_ENDPOINT`, the profile's `use_fips_endpoint`)."""

    aws_lambda_endpoint_dualstack: Annotated[bool | None, LOW] = None
    """Whether the region's endpoints for IPv4 and IPv6 are called. Default: what the AWS settings say
    (`AWS_USE_DUALSTACK_ENDPOINT`, the profile's `use_dualstack_endpoint`)."""

    aws_lambda_invoker: Annotated[Literal["curl", "boto3"], LOW, ANY_CASE] = "curl"
    """HTTP client of the invocations: `curl` (libcurl, a tenth of the CPU) or `boto3` (the reference)."""

    aws_lambda_log_type: Annotated[Literal["none", "tail"], LOW, ANY_CASE] = "none"
    """`tail` asks for the last 4 KB of the function's log with each reply (sync only) and puts it in error records, and
    the durations and the memory of its REPORT line in the log line of a failed batch. Logs may contain secrets."""

    aws_lambda_socket_timeout: Annotated[int | None, Declared("medium", unit="ms")] = Field(
        default=None, ge=1000, le=5_400_000
    )
    """How long to wait for a reply. Default: the function's own timeout plus a margin, else 910000."""

    aws_lambda_connect_timeout_ms: Annotated[int, Declared("low", unit="ms")] = Field(default=5000, ge=100, le=60_000)
    """How long to wait for a connection to the endpoint."""

    aws_lambda_proxy_url: Annotated[str | None, LOW, AfterValidator(checked_url)] = None
    """HTTP proxy to the endpoint. Default: the proxy variables of the environment."""

    aws_lambda_proxy_user: Annotated[str | None, LOW] = None
    """User name at the proxy."""

    aws_lambda_proxy_password: Annotated[SecretStr | None, LOW] = None
    """Password at the proxy."""


class CredentialsGroup(Group):
    """Credentials for AWS. Without any of these, the AWS SDK's chain finds them."""

    title: ClassVar[str] = "AWS credentials"

    aws_access_key_id: Annotated[
        str | None, Declared("medium", aliases=("aws.credentials.provider.sts.aws.access.key.id",))
    ] = None
    """Static access key. Comes with `aws.secret.access.key`."""

    aws_secret_access_key: Annotated[
        SecretStr | None,
        Declared(
            "medium",
            aliases=(
                "aws.credentials.provider.sts.aws.secret.key.id",
                "aws.credentials.provider.sts.aws.secret.access.key",
            ),
        ),
    ] = None
    """Static secret key. Comes with `aws.access.key.id`."""

    aws_session_token: Annotated[SecretStr | None, LOW] = None
    """Session token of temporary static keys."""

    aws_profile: Annotated[str | None, MEDIUM] = None
    """Profile of the AWS configuration files."""

    aws_role_arn: Annotated[
        str | None,
        Declared("medium", aliases=("aws.credentials.provider.sts.role.arn", "aws.credentials.provider.role.arn")),
        StringConstraints(strip_whitespace=True, pattern=r"^arn:aws[a-zA-Z-]*:iam::\d{12}:role/.+$"),
    ] = None
    """Role to assume, with the credentials that the other properties or the SDK's chain give."""

    aws_role_external_id: Annotated[
        str | None,
        Declared(
            "low", aliases=("aws.credentials.provider.sts.role.external.id", "aws.credentials.provider.external.id")
        ),
    ] = None
    """External id that the role's trust policy asks for."""

    aws_role_session_name: Annotated[
        str | None,
        Declared(
            "low", aliases=("aws.credentials.provider.sts.role.session.name", "aws.credentials.provider.session.name")
        ),
        StringConstraints(strip_whitespace=True, pattern=r"^[\w+=,.@-]{2,64}$"),
    ] = None
    """Session name of the assumed role. Default: the connector's name."""
