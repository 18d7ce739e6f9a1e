"""The state of a function connector, whatever happens in between: that of exactly the records before the offset."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.contracts.formats.function_connector import FunctionRequest, build_function_connector
from kafka_lambda_sink.contracts.replies.function_connector import FunctionConnector, FunctionOptions
from kafka_lambda_sink.core.ports import InvokeReply, Position
from kafka_lambda_sink.core.recovery import RecoveryPolicy
from tests.support.delivering import Delivering, orders
from tests.support.formatting import path_to
from tests.support.records import TP

REQUEST = FunctionRequest(connector="sink")
FORMAT = build_function_connector(REQUEST)
OPTIONS = FunctionOptions(request=REQUEST, topic_of=lambda entity: entity, max_calls=10)


class Counting:
    """A function that counts in its state the records it was given, and answers each batch with some pages of rows."""

    def __init__(self, pages: int, faults: list[str]) -> None:
        self.pages = pages
        #: What each call does, in order: answer, fail, or answer when the pipeline is being stopped.
        self.faults = faults
        self.stop = lambda: None

    def __call__(self, payload: bytes) -> InvokeReply:
        fault = self.faults.pop(0) if self.faults else "answer"
        if fault == "fail":
            return InvokeReply(200, b'{"errorMessage":"no"}')
        if fault == "stop":
            self.stop()
        request = json.loads(payload)
        offsets = [record["offset"] for record in request["records"]]
        return InvokeReply(200, json.dumps(self.reply(request["state"], offsets)).encode())

    def reply(self, state: dict[str, Any], offsets: list[int]) -> dict[str, Any]:
        page = state.get("page", 0)
        rows = [{"offset": offset, "page": page} for offset in offsets]
        is_last = page + 1 == self.pages
        seen = state.get("seen", 0)
        after = {"seen": seen + len(offsets)} if is_last else {"seen": seen, "page": page + 1}
        schema = {"rows": {"primary_key": ["offset", "page"]}}
        return {"state": after, "insert": {"rows": rows}, "schema": schema, "hasMore": not is_last}


def deliver(function: Counting, offsets: list[int], start: Position) -> Delivering:
    under_test = Delivering(
        orders(*[offset for offset in offsets if offset >= start.offset]), *[function] * 1000, start=start,
        batch_size=4, converter=path_to(FORMAT), frame=FORMAT.frame(TP),
        contract=FunctionConnector(TP, start.state, OPTIONS), recovery=RecoveryPolicy(retries=-1),
    )  # fmt: skip
    function.stop = under_test.pipeline.drain
    under_test.run()
    return under_test


@given(
    gaps=st.lists(st.integers(1, 3), min_size=1, max_size=12),
    pages=st.integers(1, 3),
    faults=st.lists(st.sampled_from(["answer", "answer", "fail", "stop"]), max_size=12),
)
def test_a_function_counts_each_record_once_whatever_stops_it(gaps: list[int], pages: int, faults: list[str]):
    offsets = [sum(gaps[:count]) for count in range(1, len(gaps) + 1)]
    function = Counting(pages, faults)
    at, written = Position(0), set()
    while at.offset <= offsets[-1]:
        under_test = deliver(function, offsets, at)
        at = under_test.committable
        assert under_test.progress.error is None
        assert json.loads(at.state or b"{}").get("seen", 0) == sum(offset < at.offset for offset in offsets)
        written |= {report.key for report in under_test.written("rows")}
    assert written == {b'{"offset":%d,"page":%d}' % (offset, page) for offset in offsets for page in range(pages)}
