"""What both invokers make of an answer."""

from __future__ import annotations

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from kafka_lambda_sink.aws_lambda.botocore_faults import as_invocation_error
from kafka_lambda_sink.aws_lambda.credentials import CredentialSource
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import ConfigurationInvocationError, ExpiredCredentialsError, InvocationError

#: Lambda's replies end at 6,291,556 bytes (function error included); anything longer is none of Lambda's.
MAX_REPLY_BYTES = 8 * 1024 * 1024

#: The one status that means success, by invocation type.
SUCCESS = {"RequestResponse": 200, "Event": 202, "DryRun": 204}

#: Refusals that new credentials may end: an expired token, and keys that were rotated away under us.
_ROTATION_CODES = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch"}
)


def after_refusal(
    error: InvocationError, credentials: CredentialSource, used: ReadOnlyCredentials | None, target: Target
) -> InvocationError:
    """`error`, once the credentials that it speaks of have been dropped.

    Keys that AWS does not know (any more) are fatal only when the chain has no others by now: else they were rotated,
    and ExpiredCredentialsError takes the error's place. Blocks as `CredentialSource.current` in that case alone.
    """
    if used is None:
        return error
    if isinstance(error, ExpiredCredentialsError):
        credentials.expire(used)
    elif isinstance(error, ConfigurationInvocationError) and error.code in _ROTATION_CODES:
        try:
            if credentials.is_replaced(used):
                return ExpiredCredentialsError(
                    f"{target}: the access key was rotated",
                    code=error.code,
                    status=error.status,
                    request_id=error.request_id,
                    body=error.body,
                )
        except (BotoCoreError, ClientError) as failure:
            return as_invocation_error(failure, target)
    return error
