"""How a scripted fault looks on the wire."""

from __future__ import annotations

from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.faults import Fault, FaultScript
from kafka_lambda_sink.local.http_message import Reply
from kafka_lambda_sink.local.http_server import Connection
from kafka_lambda_sink.local.refusals import Refusal, throttled

_HTML = "<html>\r\n<head><title>{0} error</title></head>\r\n<body><h1>{0}</h1><hr>nginx</body>\r\n</html>\r\n"


def runs_code(fault: Fault | None) -> bool:
    """Whether the function's code runs for a call that meets `fault`."""
    match fault:
        case None | faults.Ok() | faults.Delay() | faults.CloseAfterReply():
            return True
        case faults.ResetBeforeBody() | faults.TruncatedBody() | faults.BadChunk() | faults.SlowBody():
            return True
        case faults.Hang(ran=ran) | faults.ResetAfterRequest(ran=ran) | faults.CloseAfterRequest(ran=ran):
            return ran
        case _:
            return False


def canned_reply(fault: Fault | None) -> Reply | None:
    """The reply of a fault that takes the function's place, or None."""
    reply: Reply | None = None
    match fault:
        case faults.Throttle(reason=reason, retry_after=retry_after):
            reply = throttled(reason, retry_after).reply()
        case faults.ApiError(status=status, code=code, message=message, error_type=error_type):
            reply = Refusal(status, code, message, type=error_type).reply()
        case faults.ExpiredToken():
            message = "The security token included in the request is expired"
            reply = Refusal(403, "ExpiredTokenException", message, type=None).reply()
        case faults.HtmlError(status=status):
            reply = Reply(status, [("Content-Type", "text/html")], _HTML.format(status).encode())
        case faults.Redirect(status=status, location=location):
            reply = Reply(status, [("Location", location)])
        case faults.FunctionErrorReply(kind=kind, payload=payload, log_result=log_result):
            reply = _function_reply(payload, log_result, [("X-Amz-Function-Error", kind)])
        case faults.PayloadReply(payload=payload, log_result=log_result):
            reply = _function_reply(payload, log_result, [])
    return reply


def _function_reply(payload: bytes, log_result: str | None, headers: list[tuple[str, str]]) -> Reply:
    log = [] if log_result is None else [("X-Amz-Log-Result", log_result)]
    fixed = [("Content-Type", "application/json"), ("X-Amz-Executed-Version", "$LATEST")]
    return Reply(200, [*fixed, *headers, *log], payload)


def deliver(fault: Fault | None, reply: Reply | None, connection: Connection, script: FaultScript) -> bool:
    """Send `reply` as `fault` has it; whether the whole of it went out. Blocks as long as the fault does.

    `reply` is None where the code did not run and the fault has no reply of its own.
    """
    match fault:
        case faults.ResetAfterRequest():
            return _hang_up(connection, reset=True)
        case faults.CloseAfterRequest():
            return _hang_up(connection)
        case faults.RawReply(data=data):
            connection.send(data)
            return _hang_up(connection)
        case faults.Hang(seconds=seconds):
            script.pause(seconds)
    if reply is None:
        return _hang_up(connection)
    return _transmit(fault, reply, connection, script)


def _transmit(fault: Fault | None, reply: Reply, connection: Connection, script: FaultScript) -> bool:
    whole = reply.encode()
    head = whole[: len(whole) - len(reply.body)]
    is_sent = False
    match fault:
        case faults.ResetBeforeBody():
            connection.send(head)
            _hang_up(connection, reset=True)
        case faults.TruncatedBody():
            connection.send(head + reply.body[: len(reply.body) // 2])
            _hang_up(connection)
        case faults.BadChunk():
            chunked = Reply(reply.status, [*reply.headers, ("Transfer-Encoding", "chunked")])
            connection.send(chunked.head() + b"1\r\n" + reply.body[:1] + b"\r\nnot-a-size\r\n")
            _hang_up(connection)
        case faults.SlowBody(bytes_per_second=rate):
            is_sent = connection.send(head) and _drip(reply.body, 1 / rate, connection, script)
        case faults.CloseAfterReply():
            is_sent = connection.send(whole)
            connection.close()
        case _:
            is_sent = connection.send(whole)
    return is_sent


def _hang_up(connection: Connection, *, reset: bool = False) -> bool:
    if reset:
        connection.reset()
    else:
        connection.close()
    return False


def _drip(body: bytes, seconds: float, connection: Connection, script: FaultScript) -> bool:
    for index in range(len(body)):
        if not connection.send(body[index : index + 1]):
            return False
        script.pause(seconds)
    return True
