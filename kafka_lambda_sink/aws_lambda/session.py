"""Where the AWS settings of a connector become a botocore session and a client."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ConfigParseError, NoRegionError, ProfileNotFound
from botocore.session import Session

from kafka_lambda_sink.aws_lambda.call_headers import send_traces
from kafka_lambda_sink.aws_lambda.target import region_of
from kafka_lambda_sink.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

#: Idle connections that a client keeps: its callers are never made to wait for one.
_POOL_CONNECTIONS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaSettings:
    """What the connector says about the function and the way to it. Times in seconds."""

    #: Name, `name:qualifier`, partial ARN or ARN.
    function_name: str
    #: Version or alias, when not part of the name.
    qualifier: str | None = None
    #: Region, else the ARN's, else what the AWS chain (environment, profile) says.
    region: str | None = None
    #: Another endpoint (PrivateLink, local); AWS_ENDPOINT_URL_LAMBDA and profiles are honoured without it.
    endpoint_url: str | None = None
    #: FIPS and dual-stack endpoints of every AWS service that is called; None: environment and profile say.
    uses_fips: bool | None = None
    uses_dualstack: bool | None = None
    #: Static credentials; without them the whole AWS chain is asked.
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None
    #: Role to assume with those credentials.
    role_arn: str | None = None
    role_external_id: str | None = field(default=None, repr=False)
    role_session_name: str = "kafka-lambda-sink"
    #: Proxy for every AWS call; without it HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured.
    proxy_url: str | None = field(default=None, repr=False)
    proxy_user: str | None = None
    proxy_password: str | None = field(default=None, repr=False)
    invocation_type: Literal["RequestResponse", "Event"] = "RequestResponse"
    #: Ask for the last 4 KB of the function's log with every reply (sync only).
    log_tail: bool = False
    #: Tenant that a DryRun names, where the function keeps its tenants apart: it refuses calls without one.
    dry_run_tenant: str | None = None
    #: Bound of the TCP and TLS set-up.
    connect_timeout: float = 10.0
    #: Bound of the wait for a reply: the function's own timeout and a margin.
    read_timeout: float = 910.0
    #: What makes the calls: libcurl, or botocore at about ten times the CPU time, where libcurl does not do.
    transport: Literal["curl", "botocore"] = "curl"


def open_session(settings: LambdaSettings) -> Session:
    """A session of the profile and region. Raises ConfigError for an unknown profile and for no region."""
    try:
        return _fresh_session(settings)
    except (ProfileNotFound, ConfigParseError) as error:
        raise _config_error(
            "aws.profile", error, "Check the name and the files ~/.aws/config, ~/.aws/credentials"
        ) from error
    except NoRegionError as error:
        hint = "Set it, or AWS_REGION, or name the function by its ARN"
        raise _config_error("aws.lambda.region", error, hint) from error


def resolve_credentials(settings: LambdaSettings) -> Credentials | None:
    """Ask the whole chain anew, files and environment included. None when no provider has any.

    Blocks on what the chain asks (metadata service, STS, processes); raises botocore's exceptions. An assumed role's
    credentials, and others with an end, refresh themselves.
    """
    session = _fresh_session(settings)
    if settings.access_key_id and settings.secret_access_key:
        session.set_credentials(settings.access_key_id, settings.secret_access_key, settings.session_token)
    source = session.get_credentials()
    if source is None or settings.role_arn is None:
        return source

    client_creator = partial(session.create_client, config=client_config(settings))

    extra = {"RoleSessionName": settings.role_session_name}
    if settings.role_external_id:
        extra["ExternalId"] = settings.role_external_id
    fetcher = AssumeRoleCredentialFetcher(client_creator, source, settings.role_arn, extra_args=extra)
    return DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)


def open_client(settings: LambdaSettings, session: Session) -> LambdaClient:
    """A client that makes one attempt a call. Thread-safe. Raises ConfigError for an endpoint that is no URL."""
    try:
        client: Any = session.create_client(
            "lambda", endpoint_url=settings.endpoint_url, config=client_config(settings)
        )
    except (ValueError, BotoCoreError) as error:
        raise _config_error("aws.lambda.endpoint.url", error, "Give scheme and host: https://host[:port]") from error
    typed: LambdaClient = client
    send_traces(typed)
    return typed


def client_config(settings: LambdaSettings) -> Config:
    """The configuration of every client of ours: our retry loop is the only one."""
    proxy = proxy_of(settings)
    return Config(
        retries={"total_max_attempts": 1},
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        tcp_keepalive=True,
        max_pool_connections=_POOL_CONNECTIONS,
        parameter_validation=False,
        use_fips_endpoint=settings.uses_fips,
        use_dualstack_endpoint=settings.uses_dualstack,
        proxies={"http": proxy, "https": proxy} if proxy else None,
    )


def proxy_of(settings: LambdaSettings) -> str | None:
    """The configured proxy as one URL, its user and password inside. A secret."""
    if settings.proxy_url is None:
        return None
    url = settings.proxy_url if "://" in settings.proxy_url else f"http://{settings.proxy_url}"
    if settings.proxy_user is None:
        return url
    parts = urlsplit(url)
    userinfo = f"{quote(settings.proxy_user, safe='')}:{quote(settings.proxy_password or '', safe='')}"
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc.rpartition('@')[2]}"))


def _fresh_session(settings: LambdaSettings) -> Session:
    """Files and environment are read anew."""
    session = Session(profile=settings.profile)
    session.get_scoped_config()  # Reads the files now, so that errors in them come up here.
    region = settings.region or region_of(settings.function_name) or session.get_config_variable("region")
    if region is None:
        raise NoRegionError
    session.set_config_variable("region", region)
    return session


def _config_error(key: str, error: Exception, hint: str) -> ConfigError:
    return ConfigError([Problem(key=key, message=str(error), error_id="invalid-value", hint=hint)])
