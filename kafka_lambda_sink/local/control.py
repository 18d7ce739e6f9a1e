"""The control API under `/_local/`: journal, statistics and faults for tests in another process. Loopback only."""

from __future__ import annotations

import ipaddress
import json
from typing import Any
from urllib.parse import parse_qs

import msgspec

from kafka_lambda_sink.local.event_queue import EventQueue
from kafka_lambda_sink.local.execution import Executor
from kafka_lambda_sink.local.faults import FaultScript, Rule
from kafka_lambda_sink.local.http_message import Reply, Request
from kafka_lambda_sink.local.journal import Journal

PREFIX = "/_local/"


class Control:
    """Answers `/_local/` requests."""

    def __init__(self, *, journal: Journal, faults: FaultScript, executor: Executor, events: EventQueue) -> None:
        self._journal = journal
        self._faults = faults
        self._executor = executor
        self._events = events

    def answer(self, request: Request, peer: str) -> Reply:
        """The reply to a control request from the address `peer`.

        `GET journal?since=N` (requests numbered above N, and all executions), `GET stats`, `POST faults` (a JSON list
        of rules), `DELETE faults`, `POST release`.
        """
        if not ipaddress.ip_address(peer).is_loopback:
            return _json(403, {"message": "the control API answers loopback addresses only"})
        reply = Reply(204)
        match request.method, request.path.removeprefix(PREFIX):
            case "GET", "journal":
                reply = self._read_journal(int(parse_qs(request.query).get("since", ["0"])[0]))
            case "GET", "stats":
                reply = _json(200, self._stats())
            case "POST", "faults":
                reply = self._script(request.body)
            case "DELETE", "faults":
                self._faults.clear()
            case "POST", "release":
                self._faults.release()
            case _:
                reply = _json(404, {"message": f"no such control: {request.method} {request.path}"})
        return reply

    def _script(self, body: bytes) -> Reply:
        try:
            rules = msgspec.json.decode(body, type=list[Rule])
        except msgspec.DecodeError as error:
            return _json(400, {"message": str(error)})
        self._faults.extend(rules)
        return _json(200, {"pending": self._faults.pending()})

    def _read_journal(self, since: int) -> Reply:
        requests = [entry.as_json() for entry in self._journal.requests() if entry.number > since]
        executions = [execution.as_json() for execution in self._journal.executions()]
        return _json(200, {"requests": requests, "executions": executions})

    def _stats(self) -> dict[str, Any]:
        requests = self._journal.requests()
        statuses: dict[str, int] = {}
        for entry in requests:
            key = str(entry.status) if entry.finished_ms is not None else "open"
            statuses[key] = statuses.get(key, 0) + 1
        return {
            "requests": len(requests),
            "statuses": statuses,
            "executions": len(self._journal.executions()),
            "in_flight": self._executor.in_flight(),
            "event_backlog": self._events.backlog(),
            "faults_pending": self._faults.pending(),
        }


def _json(status: int, document: dict[str, Any]) -> Reply:
    return Reply(status, [("Content-Type", "application/json")], json.dumps(document).encode())
