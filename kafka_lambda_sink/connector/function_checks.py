"""What `check` asks about the function: which one, at which endpoint, may we, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from kafka_lambda_sink.aws_lambda.errors import READ_TIMEOUT
from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.asking import Asking
from kafka_lambda_sink.connector.findings import Finding, Status, broken, doubtful, fine, of_problem, skipped
from kafka_lambda_sink.connector.function_timeout import short_timeout
from kafka_lambda_sink.connector.functions import open_functions
from kafka_lambda_sink.core.errors import InvocationError, TransientInvocationError
from kafka_lambda_sink.core.ports import Clock, FunctionControl

_NOT_KNOWN: Final = "function-timeout-unknown"


def function_askings(config: SinkConfig, clock: Clock) -> tuple[list[Asking], list[Finding]]:
    """The questions to each function, and what is wrong without asking."""
    clients, problems = open_functions(config, clock)
    askings = [Asking(_online(config, name, client), _late(name)) for name, client in clients.items()]
    return askings, [of_problem("endpoint", "functions", problem) for problem in problems]


def offline_functions(config: SinkConfig, clock: Clock) -> Iterator[Finding]:
    """What is known of the functions without asking."""
    clients, problems = open_functions(config, clock)
    # Where the connector runs, the environment may say what is missing here.
    yield from (of_problem("endpoint", "functions", problem, Status.WARNING) for problem in problems)
    for name, client in clients.items():
        yield _endpoint(client, name)
        yield skipped("function", name, "not asked: --offline")


def _online(config: SinkConfig, name: str, client: FunctionClient) -> Iterator[Finding]:
    yield _endpoint(client, name)
    control = client.control()
    try:
        control.dry_run()
    except InvocationError as error:
        yield broken("function", name, error)
        return
    yield fine("function", name, f"may be invoked ({config.aws_lambda_invocation_type})")
    if config.aws_lambda_invocation_type == "sync":
        yield _timeout(config, name, control)


def _endpoint(function: FunctionClient, name: str) -> Finding:
    described = function.describe()
    region, url = described["region"], described["endpoint"]
    ways = ", ".join(f"{what} {described[what]}" for what in ("role", "proxy") if described[what])
    message = f"{url}, region {region}{f', {ways}' if ways else ''}"
    known = function.known_regions()
    # An endpoint of one's own takes any region.
    if region in known or region not in url:
        return fine("endpoint", name, message)
    like = ", ".join(get_close_matches(region, known, n=3))
    hint = f"Did you mean one of {like}?" if like else "Correct aws.lambda.region"
    text = f"{message}: no region that the AWS SDK knows"
    return doubtful("endpoint", name, text, error_id="unknown-region", hint=hint)


def _late(name: str) -> Finding:
    """What to say when there is no answer in time."""
    message = "no answer in time: neither from the endpoint nor, maybe, from what gives the credentials"
    error = TransientInvocationError(message, code=READ_TIMEOUT, hint="Check the network, endpoints and proxies")
    return broken("function", name, error)


def _timeout(config: SinkConfig, name: str, control: FunctionControl) -> Finding:
    configured = config.aws_lambda_socket_timeout
    try:
        own = control.timeout()
    except InvocationError as error:
        own, reason = None, str(error)
    else:
        reason = "lambda:GetFunctionConfiguration is not allowed"
    if own is None and configured is None:
        message = f"the function's own timeout is not known ({reason}): each reply is waited for up to 910 s"
        hint = "Allow lambda:GetFunctionConfiguration, or set aws.lambda.socket.timeout"
        return doubtful("function-timeout", name, message, error_id=_NOT_KNOWN, hint=hint)
    if own is None:
        return skipped("function-timeout", name, f"not known: {reason}")
    problem = short_timeout(config, own)
    if problem is not None:
        return of_problem("function-timeout", name, problem, Status.WARNING)
    return fine("function-timeout", name, f"the function's own timeout is {own:g} s")
