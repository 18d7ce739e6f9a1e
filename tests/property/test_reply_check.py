"""A reply is accepted when it answers exactly the batch's records in order; any change of that is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from tests.support.records import TP, record

RESULTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["offset", "payload", "topic", "é", "x"]), children, max_size=3)
    ),
    max_leaves=8,
)
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.integers(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@st.composite
def answered(draw: st.DrawFn) -> tuple[Batch, list[dict[str, Any]]]:
    """A batch and a right reply to it."""
    gaps = draw(st.lists(st.integers(min_value=1, max_value=3), min_size=1, max_size=8))
    offsets = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    entries = []
    for offset in offsets:
        fields = {"topic": TP.topic, "partition": TP.partition, "offset": offset, "result": draw(RESULTS)}
        names = draw(st.permutations(list(fields)))
        entries.append({"payload": {name: fields[name] for name in names}})
    return Batch(b"", [record(offset) for offset in offsets], []), entries


def check(batch: Batch, reply: object) -> list[bytes]:
    return ReplyChecker(TP).check(json.dumps(reply).encode(), batch)


@given(answered(), st.booleans(), st.sampled_from([None, 2]))
def test_a_right_reply_gives_each_payload_as_it_is(
    case: tuple[Batch, list[dict[str, Any]]],
    ascii_: bool,  # noqa: FBT001 - drawn
    indent: int | None,
):
    batch, entries = case
    text = json.dumps(entries, ensure_ascii=ascii_, indent=indent).encode(errors="surrogatepass")
    texts = ReplyChecker(TP).check(text, batch)
    assert [json.loads(each) for each in texts] == [entry["payload"] for entry in entries]
    assert all(each in text for each in texts)


@given(answered(), st.data())
def test_any_other_order_is_refused(case: tuple[Batch, list[dict[str, Any]]], data: st.DataObject):
    batch, entries = case
    order = data.draw(st.permutations(range(len(entries))))
    assume(order != sorted(order))
    with pytest.raises(ReplyError, match=r"entry \d+: offset \d+, expected \d+"):
        check(batch, [entries[index] for index in order])


@given(answered(), st.data())
def test_any_other_number_of_entries_is_refused(case: tuple[Batch, list[dict[str, Any]]], data: st.DataObject):
    batch, entries = case
    at = data.draw(st.integers(min_value=0, max_value=len(entries) - 1))
    for reply in (entries[:at] + entries[at + 1 :], [*entries[:at], entries[at], *entries[at:]], []):
        with pytest.raises(ReplyError, match="entries instead of"):
            check(batch, reply)


@given(answered(), WRONG, st.data())
def test_any_wrong_coordinate_is_refused(case: tuple[Batch, list[dict[str, Any]]], wrong: object, data: st.DataObject):
    batch, entries = case
    at = data.draw(st.integers(min_value=0, max_value=len(entries) - 1))
    name = data.draw(st.sampled_from(["topic", "partition", "offset"]))
    right = entries[at]["payload"][name]
    assume(type(wrong) is not type(right) or wrong != right)
    changed = copy.deepcopy(entries)
    changed[at]["payload"][name] = wrong
    with pytest.raises(ReplyError, match=f"entry {at}: {name}"):
        check(batch, changed)
    del changed[at]["payload"][name]
    with pytest.raises(ReplyError, match=f'entry {at}: its payload has no field "{name}"'):
        check(batch, changed)


@given(answered(), st.data())
def test_a_repeated_offset_is_refused_however_it_is_spelt(
    case: tuple[Batch, list[dict[str, Any]]], data: st.DataObject
):
    batch, entries = case
    text = json.dumps(entries)
    own = [f'"offset": {each.offset()}' for each in batch.records]
    wanted = data.draw(st.sampled_from(own))
    assume(text.count(wanted) == 1)
    at = data.draw(st.integers(min_value=0, max_value=5))
    spelling = "".join(f"\\u{ord(letter):04x}" if index == at else letter for index, letter in enumerate("offset"))
    for name in ("offset", spelling):
        for doubled in (f'"{name}": 99, {wanted}', f'{wanted}, "{name}": 99'):
            with pytest.raises(ReplyError):
                ReplyChecker(TP).check(text.replace(wanted, doubled).encode(), batch)


@given(answered(), st.binary(min_size=1, max_size=4), st.data())
def test_noise_in_a_reply_is_refused_or_changes_no_coordinate(
    case: tuple[Batch, list[dict[str, Any]]], noise: bytes, data: st.DataObject
):
    batch, entries = case
    text = json.dumps(entries).encode()
    at = data.draw(st.integers(min_value=0, max_value=len(text)))
    try:
        texts = ReplyChecker(TP).check(text[:at] + noise + text[at:], batch)
    except ReplyError:
        return
    for each, item in zip(texts, batch.records, strict=True):
        found = json.loads(each)
        assert (found["topic"], found["partition"], found["offset"]) == (TP.topic, TP.partition, item.offset())


@given(st.binary(max_size=60) | RESULTS.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused(reply: bytes):
    with pytest.raises(ReplyError):
        ReplyChecker(TP).check(reply, Batch(b"", [record(1)], []))
