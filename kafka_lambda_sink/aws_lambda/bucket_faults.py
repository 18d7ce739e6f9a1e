"""What S3 refuses, and what may happen next: waiting, or a change of configuration.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. A HEAD has no body: botocore then gives the
bare status as the code.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.botocore_faults import fault_of, refusal_from
from kafka_lambda_sink.aws_lambda.bucket import Bucket
from kafka_lambda_sink.aws_lambda.credentials import CredentialSource
from kafka_lambda_sink.aws_lambda.errors import CODES, Refusal, rule_for, safe_message
from kafka_lambda_sink.aws_lambda.hints import general_hint
from kafka_lambda_sink.core.errors import (
    ClaimStoreError,
    ClaimStoreRefusedError,
    ExpiredCredentialsError,
    TransientInvocationError,
)

#: Keys that are not known (any more): others may have taken their place.
_ROTATION_CODES: Final = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"})
_ELSEWHERE: Final = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_REDIRECTS: Final = range(300, 400)
_HINTS: Final = {
    errors.NAME_NOT_RESOLVED: "Check `aws.lambda.oversize.s3.endpoint.url`, the region and this machine's DNS",
    errors.CONNECT_TIMEOUT: "Check routes, security groups and, in a VPC without NAT, an S3 gateway endpoint",
    errors.CONNECT_FAILED: "Check that the endpoint listens and that firewalls and proxies let us through",
    errors.READ_TIMEOUT: "Check the way to S3: it took the connection and does not answer",
}

ClaimError = ClaimStoreError | ClaimStoreRefusedError


def claim_error(
    error: BotoCoreError | ClientError,
    bucket: Bucket,
    action: str,
    credentials: CredentialSource,
    used: ReadOnlyCredentials | None,
) -> ClaimError:
    """The error to raise for what botocore raised while we tried `action`, once bad credentials have been dropped.

    Blocks as `CredentialSource.current` where keys are not known any more.
    """
    if isinstance(error, ClientError):
        refusal = refusal_from(error.response)
        if error.operation_name.startswith("AssumeRole"):
            action = f"sts:{error.operation_name}"
        return _refused(refusal, bucket, action, credentials, used)
    code, text = fault_of(error)
    message = f"{bucket}: {code}: {safe_message(text)}"
    hint = _HINTS.get(code) or general_hint(code)
    if issubclass(CODES[code].error, TransientInvocationError):
        return ClaimStoreError(message, code=code, hint=hint)
    return ClaimStoreRefusedError(message, code=code, hint=hint)


def _refused(
    refusal: Refusal, bucket: Bucket, action: str, credentials: CredentialSource, used: ReadOnlyCredentials | None
) -> ClaimError:
    said = safe_message(refusal.message)
    message = f"{bucket}: {action}: HTTP {refusal.status} {refusal.code}{f': {said}' if said else ''}"
    # `KMS.ThrottlingException`: the service behind S3 speaks.
    rule = rule_for(refusal.code.rpartition(".")[2], refusal.status, said)
    hint = _hint(refusal, said, bucket, action)
    if issubclass(rule.error, ExpiredCredentialsError) and used is not None:
        credentials.expire(used)
    if issubclass(rule.error, TransientInvocationError) or _is_rotated(refusal, credentials, used):
        return ClaimStoreError(message, code=refusal.code, hint=hint)
    return ClaimStoreRefusedError(
        message, code=refusal.code, status=refusal.status, request_id=refusal.request_id, hint=hint
    )


def _is_rotated(refusal: Refusal, credentials: CredentialSource, used: ReadOnlyCredentials | None) -> bool:
    if used is None or refusal.code not in _ROTATION_CODES:
        return False
    try:
        return credentials.is_replaced(used)
    except (BotoCoreError, ClientError):
        # The chain fails: by the next attempt it says so itself.
        return True


def _hint(refusal: Refusal, said: str, bucket: Bucket, action: str) -> str | None:
    if refusal.code in {"NoSuchBucket", "404"}:
        return "Create the bucket, or correct aws.lambda.oversize.s3.bucket"
    if refusal.code in _ELSEWHERE or refusal.status in _REDIRECTS:
        return "The bucket is in another region, or another service answers: check bucket, region and endpoint"
    if "kms:" in said or refusal.code.startswith("KMS."):
        return "Allow kms:GenerateDataKey on the key that the bucket is encrypted with, and see that it is enabled"
    hint = general_hint(refusal.code, said, refusal.date)
    if refusal.status == HTTPStatus.FORBIDDEN and hint is None:
        if action.startswith("sts:"):
            return f"Allow {action} on the role for the principal of these credentials"
        return f"Allow {action} on {bucket.resource_arn(action)} for the principal of these credentials"
    return hint
