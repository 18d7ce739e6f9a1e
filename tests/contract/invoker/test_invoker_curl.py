"""What libcurl's invoker knows better than botocore's, and must not lose."""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import threading

import pytest

from kafka_lambda_sink.aws_lambda.curl_invoker import CurlInvoker
from kafka_lambda_sink.core.ports import Invoker
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.invoking import BATCH, Open, Transport, error_of
from tests.support.waiting import wait_until

#: More than this process ever has open.
_DESCRIPTORS = 1024


@pytest.fixture
def transport() -> Transport:
    return "curl"


def test_a_payload_that_was_cut_off_on_its_way_did_not_run(open_invoker: Open):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut() -> None:
            peer, _ = listener.accept()
            peer.recv(1000)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()

        server = threading.Thread(target=cut)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        error = error_of(open_invoker(endpoint_url=url), b'"%s"' % (b"x" * 20_000_000))
        server.join()

    assert (error.code, error.may_have_run) == ("ConnectionLost", False)


def open_sockets() -> int:
    """Of this process, the endpoint's included."""
    count = 0
    for descriptor in range(_DESCRIPTORS):
        try:
            count += stat.S_ISSOCK(os.fstat(descriptor).st_mode)
        except OSError:
            continue
    return count


def test_close_gives_every_descriptor_back(open_invoker: Open, endpoint: InvokeEndpoint):
    before = open_sockets()
    for _ in range(3):
        invoker = open_invoker()
        invoker.invoke(BATCH)
        invoker.close()
    assert endpoint.journal.wait_for(lambda journal: len(journal.requests()) == 3)

    wait_until(lambda: open_sockets() <= before)


def test_the_payload_is_not_kept_once_it_was_sent(invoker: Invoker):
    payload = bytes(b'"%s"' % (b"x" * 100))
    references = sys.getrefcount(payload)

    invoker.invoke(payload)

    assert isinstance(invoker, CurlInvoker)
    assert sys.getrefcount(payload) == references
