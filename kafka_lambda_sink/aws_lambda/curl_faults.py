"""libcurl's result codes as faults of ours. Source: https://curl.se/libcurl/c/libcurl-errors.html."""

from __future__ import annotations

import pycurl

from kafka_lambda_sink.aws_lambda import errors

#: Before a byte of the request was sent.
_BEFORE: dict[int, str] = {
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
#: Once it was on its way.
_AFTER: dict[int, str] = {
    pycurl.E_OPERATION_TIMEDOUT: errors.READ_TIMEOUT,
    pycurl.E_FILESIZE_EXCEEDED: errors.REPLY_TOO_LARGE,
    pycurl.E_PARTIAL_FILE: errors.REPLY_TRUNCATED,
}


def fault_code(result: int, *, is_sent: bool, has_reply: bool, has_proxy: bool) -> str:
    """Our code for a transfer that failed with libcurl's `result`.

    `is_sent`: the request was on its way; `has_reply`: a part of the reply had come.
    """
    if not is_sent:
        code = _BEFORE.get(result, errors.CONNECT_FAILED)
        return errors.PROXY_FAILED if has_proxy and code == errors.CONNECT_FAILED else code
    return _AFTER.get(result) or (errors.REPLY_TRUNCATED if has_reply else errors.CONNECTION_LOST)
