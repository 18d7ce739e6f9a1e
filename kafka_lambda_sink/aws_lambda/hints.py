"""What a person can do about a refusal: one sentence each."""

from __future__ import annotations

from kafka_lambda_sink.aws_lambda.target import Target

_REDIRECTS = range(300, 400)
_PROXY_AUTHENTICATION_REQUIRED = 407

_OUR_CODES = {
    "NameNotResolved": "Check `aws.lambda.region`, `aws.lambda.endpoint.url` and this machine's DNS",
    "ConnectTimeout": "Check routes, security groups and, in a VPC without NAT, a Lambda interface endpoint",
    "ConnectFailed": "Check that the endpoint listens and that firewalls and proxies let us through",
    "ProxyFailed": "Check `aws.lambda.proxy.url` (or HTTPS_PROXY and NO_PROXY) and the proxy's user and password",
    "CertificateNotTrusted": "Name the CA's file in AWS_CA_BUNDLE, or check who answers in the endpoint's place",
    "TlsHandshakeFailed": "Check that the endpoint (or the proxy before it) speaks TLS 1.2 or later on this port",
    "ReadTimeout": "Raise `aws.lambda.socket.timeout` above the function's own timeout, if the function is that slow",
    "ReplyTooLarge": "Lambda's replies end at 6 MB: something else answers at the endpoint",
    "UnexpectedStatus": "Something between us and Lambda answers in its place: check endpoint and proxy",
    "NoCredentials": "Set `aws.access.key.id` and `aws.secret.access.key`, a profile, or give this machine a role",
    "CredentialsUnavailable": "Check the provider that the message names (for SSO: log in again); we go on asking it",
}

_AWS_CODES = {
    "UnrecognizedClientException": "The access key does not exist (any more), or belongs to another AWS partition",
    "InvalidClientTokenId": "The access key does not exist (any more), or belongs to another AWS partition",
    "InvalidAccessKeyId": "The access key does not exist (any more), or belongs to another AWS partition",
    "ExpiredToken": "The credentials have ended and are resolved anew: renew them if they were set by hand",
    "ExpiredTokenException": "The credentials have ended and are resolved anew: renew them if they were set by hand",
    "RecursiveInvocationException": "The function's results come back to it: break the loop of topics",
    "NoPublishedVersionException": "Publish a version, or name one that exists in `aws.lambda.function.name`",
    "UnsupportedMediaTypeException": "Something between us and Lambda changes the Content-Type",
    "ServiceQuotaExceededException": "Ask AWS for a higher quota, or lower what the account uses",
    "KMSAccessDeniedException": "The function's role may not use its KMS key: that is the function's set-up, not ours",
    "InvalidRequestContentException": "Lambda does not take these bytes for JSON",
    "DurableExecutionAlreadyStartedException": "Another caller has given an execution this name and another payload: "
    "find it by the name, or set `aws.lambda.durable.name=false`",
}

_SKEW_CODES = frozenset(
    {
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
    }
)
_DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException"})


def hint_for(
    target: Target, code: str, *, status: int = 0, message: str = "", date: str | None = None, action: str = ""
) -> str | None:
    """One sentence for the person at the log, or None when waiting is all there is to do.

    `date` is the server's clock, `action` the IAM action that was refused.
    """
    hint = general_hint(code, message, date)
    if hint is not None:
        return hint
    if code in _DENIED_CODES:
        return _denied_hint(target, action)
    if code == "ResourceNotFoundException":
        qualifier = f" with version or alias {target.qualifier}" if target.qualifier else ""
        return (
            f"Check that {target.function_name}{qualifier} exists in region {target.region} "
            "and in the account of these credentials"
        )
    if code == "InvalidParameterValueException" and "tenan" in message.lower():
        return "Set `aws.lambda.tenant.id.from` for a function with tenant isolation, and remove it for any other"
    return _foreign_hint(code, status, target)


def general_hint(code: str, message: str = "", date: str | None = None) -> str | None:
    """What is to be said of a code whatever service was asked, or None. As `hint_for`."""
    if code in _SKEW_CODES:
        return _signature_hint(message, date)
    return _OUR_CODES.get(code) or _AWS_CODES.get(code)


def _signature_hint(message: str, date: str | None) -> str:
    if "does not match" in message:
        return "The secret access key does not belong to the access key, or a proxy changes what we sign"
    clock = f" (the server's says {date})" if date else ""
    return f"THE CLOCK OF THIS MACHINE IS WRONG{clock}: AWS takes requests within five minutes of its own"


def _denied_hint(target: Target, action: str) -> str:
    resource = target.role_arn if action.startswith("sts:") else target.resource_arn
    return f"Allow {action} on {resource} for the principal of these credentials"


def _foreign_hint(code: str, status: int, target: Target) -> str | None:
    """For answers that are none of Lambda's: botocore gives them the bare status as their code."""
    if status in _REDIRECTS:
        return f"{target.endpoint} redirects, which no AWS endpoint does: check `aws.lambda.endpoint.url` and proxies"
    if status == _PROXY_AUTHENTICATION_REQUIRED:
        return _OUR_CODES["ProxyFailed"]
    if code == str(status):
        return f"The answer is none of Lambda's: a proxy or load balancer before {target.endpoint} made it"
    return None
