"""What ends an exchange without a reply."""

from __future__ import annotations


class ExchangeFault(Exception):
    """The connection is of no use any more. Whether the function may have run, the sender knows."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        #: One of ours, see `aws_lambda.errors`.
        self.code = code
