"""libcurl's results as faults of ours."""

from __future__ import annotations

import pycurl
import pytest

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.curl_faults import connect_fault_code

UNKNOWN = 9999


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (pycurl.E_COULDNT_RESOLVE_HOST, errors.NAME_NOT_RESOLVED),
        (pycurl.E_COULDNT_RESOLVE_PROXY, errors.PROXY_FAILED),
        (pycurl.E_COULDNT_CONNECT, errors.CONNECT_FAILED),
        (pycurl.E_OPERATION_TIMEDOUT, errors.CONNECT_TIMEOUT),
        (pycurl.E_SSL_CONNECT_ERROR, errors.TLS_HANDSHAKE_FAILED),
        (pycurl.E_PEER_FAILED_VERIFICATION, errors.CERTIFICATE_NOT_TRUSTED),
        (pycurl.E_SSL_CACERT_BADFILE, errors.CERTIFICATE_NOT_TRUSTED),
        (pycurl.E_URL_MALFORMAT, errors.REQUEST_INVALID),
        (UNKNOWN, errors.CONNECT_FAILED),
    ],
)
def test_a_connection_that_did_not_come_about(result: int, code: str):
    assert connect_fault_code(result, has_proxy=False) == code


def test_behind_a_proxy_a_failed_connection_is_the_proxys():
    assert connect_fault_code(pycurl.E_COULDNT_CONNECT, has_proxy=True) == errors.PROXY_FAILED
    assert connect_fault_code(pycurl.E_PEER_FAILED_VERIFICATION, has_proxy=True) == errors.CERTIFICATE_NOT_TRUSTED
