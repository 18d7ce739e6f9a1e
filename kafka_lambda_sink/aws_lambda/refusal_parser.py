"""Reads a refusal as botocore does, without botocore's client."""

from __future__ import annotations

from botocore.awsrequest import HeadersDict
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError, create_parser

from kafka_lambda_sink.aws_lambda.botocore_faults import refusal_from
from kafka_lambda_sink.aws_lambda.errors import Refusal


class RefusalParser:
    """Parses answers of Invoke with a status of 300 or more. Thread-safe: it keeps no state between calls."""

    def __init__(self, service: ServiceModel) -> None:
        self._service = service
        output = service.operation_model("Invoke").output_shape
        assert output is not None  # The model of Invoke has one.
        self._output = output
        self._parser = create_parser(service.resolved_protocol)

    def parse(self, status: int, headers: HeadersDict, body: bytes) -> Refusal:
        """The refusal; a body that is none of AWS's gives the bare status as the code."""
        answer = {"status_code": status, "headers": headers, "body": body}
        try:
            parsed = self._parser.parse(answer, self._output)
            shape = self._service.shape_for_error_code(parsed.get("Error", {}).get("Code"))
            if shape is not None:
                parsed.update(self._parser.parse(answer, shape))
        except ResponseParserError as error:
            return Refusal(status=status, code=str(status), message=str(error), body=body)
        return refusal_from(parsed, body)
