"""libcurl's results as faults of ours."""

from __future__ import annotations

import pycurl
import pytest

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.curl_faults import fault_code

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
def test_before_the_request_was_sent(result: int, code: str):
    assert fault_code(result, is_sent=False, has_reply=False, has_proxy=False) == code


@pytest.mark.parametrize(
    ("result", "has_reply", "code"),
    [
        (pycurl.E_OPERATION_TIMEDOUT, False, errors.READ_TIMEOUT),
        (pycurl.E_OPERATION_TIMEDOUT, True, errors.READ_TIMEOUT),
        (pycurl.E_GOT_NOTHING, False, errors.CONNECTION_LOST),
        (pycurl.E_SEND_ERROR, False, errors.CONNECTION_LOST),
        (pycurl.E_RECV_ERROR, False, errors.CONNECTION_LOST),
        (pycurl.E_RECV_ERROR, True, errors.REPLY_TRUNCATED),
        (pycurl.E_PARTIAL_FILE, True, errors.REPLY_TRUNCATED),
        (pycurl.E_FILESIZE_EXCEEDED, True, errors.REPLY_TOO_LARGE),
        (pycurl.E_UNSUPPORTED_PROTOCOL, False, errors.CONNECTION_LOST),
        (UNKNOWN, False, errors.CONNECTION_LOST),
    ],
)
def test_once_it_was_on_its_way(result: int, code: str, *, has_reply: bool):
    assert fault_code(result, is_sent=True, has_reply=has_reply, has_proxy=False) == code


def test_behind_a_proxy_a_failed_connection_is_the_proxys():
    assert fault_code(pycurl.E_COULDNT_CONNECT, is_sent=False, has_reply=False, has_proxy=True) == errors.PROXY_FAILED
    assert fault_code(pycurl.E_RECV_ERROR, is_sent=True, has_reply=False, has_proxy=True) == errors.CONNECTION_LOST
