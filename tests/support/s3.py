"""An S3 of the test's own: moto's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@contextmanager
def moto_s3(port: int = 0) -> Iterator[str]:
    """Its URL. What is in it is the process's: give each test a bucket of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, bound = server.get_host_and_port()
    try:
        yield f"http://{host}:{bound}"
    finally:
        server.stop()


def s3_client(url: str) -> S3Client:
    """A client of it."""
    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="AKIALOCAL", aws_secret_access_key="secret"
    )
