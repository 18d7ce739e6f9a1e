"""libcurl's result codes for a connection that did not come about, as faults of ours. Source: https://curl.se/libcurl/c/libcurl-errors.html."""

from __future__ import annotations

import pycurl

from kafka_lambda_sink.aws_lambda import errors

_CODES: dict[int, str] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: errors.REQUEST_INVALID,
    pycurl.E_URL_MALFORMAT: errors.REQUEST_INVALID,
    pycurl.E_COULDNT_RESOLVE_HOST: errors.NAME_NOT_RESOLVED,
    pycurl.E_COULDNT_RESOLVE_PROXY: errors.PROXY_FAILED,
    pycurl.E_COULDNT_CONNECT: errors.CONNECT_FAILED,
    pycurl.E_OPERATION_TIMEDOUT: errors.CONNECT_TIMEOUT,
    pycurl.E_SSL_CONNECT_ERROR: errors.TLS_HANDSHAKE_FAILED,
    pycurl.E_PEER_FAILED_VERIFICATION: errors.CERTIFICATE_NOT_TRUSTED,
    pycurl.E_SSL_CACERT_BADFILE: errors.CERTIFICATE_NOT_TRUSTED,
    pycurl.E_SSL_ISSUER_ERROR: errors.CERTIFICATE_NOT_TRUSTED,
}


def connect_fault_code(result: int, *, has_proxy: bool) -> str:
    """Our code for a connection that failed with libcurl's `result`."""
    code = _CODES.get(result, errors.CONNECT_FAILED)
    return errors.PROXY_FAILED if has_proxy and code == errors.CONNECT_FAILED else code
