"""The demo's account of every record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kafka_lambda_sink.cli.demo.accounting import Failure, account, result_coordinates
from kafka_lambda_sink.cli.demo.orders import GARBAGE_EVERY, POISON_EVERY, orders

FAILED = Failure(0, 2, 4, "InvalidOrder: no quantity")
DEAD = Failure(1, 0, 1, "no JSON")
ALL: dict[str, Any] = {
    "produced": {0: [0, 1, 2, 3], 1: [0, 1]},
    "results": [(0, 0), (0, 1), (1, 1)],
    "failures": [FAILED],
    "dead_letters": [DEAD],
    "committed": {0: 4, 1: 2},
}


def test_everything_is_accounted_for():
    found = account(**ALL)
    assert found.is_complete
    assert (found.produced, found.results, found.failed, len(found.dead_letters)) == (6, 3, 2, 1)


@pytest.mark.parametrize(
    ("change", "missing", "strangers", "uncommitted"),
    [
        ({"results": [(0, 0), (1, 1)]}, [(0, 1)], [], {}),
        ({"failures": []}, [(0, 2), (0, 3)], [], {}),
        ({"dead_letters": []}, [(1, 0)], [], {}),
        ({"results": [(0, 0), (0, 1), (1, 1), (1, 2)]}, [], [(1, 2)], {}),
        ({"committed": {0: 4}}, [], [], {1: 2}),
        ({"committed": {0: 3, 1: 2}}, [], [], {0: 4}),
    ],
)
def test_what_is_not_accounted_for_is_named(change, missing, strangers, uncommitted):
    found = account(**(ALL | change))
    assert not found.is_complete
    assert (found.missing, found.strangers, found.uncommitted) == (missing, strangers, uncommitted)


def test_a_record_may_be_found_twice():
    found = account(**(ALL | {"results": [(0, 0), (0, 1), (0, 1), (0, 2), (1, 1)]}))
    assert found.is_complete
    assert found.repeated == [(0, 1), (0, 2)]


def test_a_result_is_known_by_its_key():
    assert result_coordinates(b'{"topic":"orders","partition":3,"offset":7}') == (3, 7)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('{"errorType":"InvalidOrder","errorMessage":"no quantity"}', "InvalidOrder: no quantity"),
        ("null", "InvalidResponse: not an array"),
        (None, "InvalidResponse: not an array"),
        ("no json", "InvalidResponse: not an array"),
    ],
)
def test_a_failure_is_read_from_an_error_record(payload, reason):
    key = b'{"topic":"orders","partition":3,"startOffset":7,"endOffset":9}'
    value = json.dumps({"functionError": "InvalidResponse", "payload": payload}).encode()
    failure = Failure.from_error_record(key, value, [("error_message", b"not an array")])
    assert failure == Failure(3, 7, 9, reason)
    assert list(failure.offsets) == [7, 8]


def test_a_dead_letter_is_known_by_its_headers():
    headers = [
        ("mine", None),
        ("__connect.errors.partition", b"2"),
        ("__connect.errors.offset", b"5"),
        ("__connect.errors.exception.message", b"no JSON"),
    ]
    assert Failure.from_dead_letter(headers) == Failure(2, 5, 6, "no JSON")


def test_orders_are_the_same_each_time_and_some_are_poisonous():
    found = list(orders(2 * POISON_EVERY * GARBAGE_EVERY, 4))
    assert found[:1000] == list(orders(1000, 4))
    assert {partition for partition, _, _ in found} == {0, 1, 2, 3}
    garbage = [number for number, (_, _, value) in enumerate(found, 1) if not value.startswith(b"{")]
    poison = [number for number, (_, _, value) in enumerate(found, 1) if b'"quantity": 0' in value]
    assert garbage == [n for n in range(1, len(found) + 1) if n % GARBAGE_EVERY == 0]
    assert poison == [n for n in range(1, len(found) + 1) if n % POISON_EVERY == 0 and n % GARBAGE_EVERY]
