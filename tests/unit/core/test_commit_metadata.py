import json
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.commit_metadata import MAX_SIZE, MAX_STATE, size_of_state


@pytest.mark.parametrize("topic_id", ["3Db5QLSqSZieL3rJBUUegA", "a"])
def test_metadata_round_trip(topic_id):
    assert commit_metadata.topic_id_of(commit_metadata.encode(topic_id)) == topic_id


@pytest.mark.parametrize("metadata", ["", "kls2;topic=x", "topic=x", "kls1;", "kls1;other=1", "{}"])
def test_metadata_of_others_and_of_other_versions_is_ignored(metadata):
    assert commit_metadata.topic_id_of(metadata) is None


def test_fields_that_a_later_release_adds_are_passed_over():
    assert commit_metadata.topic_id_of("kls1;state=9;topic=abc;more=1") == "abc"

    assert commit_metadata.state_of('kls1;state={"a":1};topic=abc') == b'{"a":1}'


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(state=st.dictionaries(st.text(), _JSON, max_size=4), topic_id=st.none() | st.just("3Db5QLSqSZieL3rJBUUegA"))
def test_any_state_comes_back_as_it_was(state, topic_id):
    text = json.dumps(state, ensure_ascii=False).encode(errors="replace")
    metadata = commit_metadata.encode(topic_id, text)
    found = commit_metadata.state_of(metadata)
    assert found is not None
    assert json.loads(found) == json.loads(text)
    assert commit_metadata.topic_id_of(metadata) == topic_id
    assert len(metadata.encode()) - size_of_state(text) <= 64


def test_the_largest_state_fits_into_what_brokers_take():
    state = b'{"x":"' + b";" * 500 + b"y" * 64 + b'"}'
    assert size_of_state(state) == len(commit_metadata.encode(None, state)) - len("kls1;state=")
    assert len(commit_metadata.encode("3Db5QLSqSZieL3rJBUUegA", b"x" * MAX_STATE)) < 4096


def test_no_state_is_not_written():
    assert commit_metadata.encode("A") == "kls1;topic=A"
    assert commit_metadata.encode(None) == ""
    assert commit_metadata.state_of("kls1;topic=A") is None


@pytest.mark.parametrize("text", ["", "[]", "7", '{"a":', "nonsense", "[" * 5000])
def test_what_is_no_object_is_no_state(text):
    assert commit_metadata.state_of(f"kls1;state={text}") is None


@st.composite
def beyond(draw, most: int = 12):
    """An offset and intervals from there on."""
    steps = st.integers(1, 100) | st.integers(1, 10**12)
    bounds = list(accumulate(draw(st.lists(steps, max_size=2 * most)), initial=draw(st.integers(0, 10**15))))
    return bounds[0], list(zip(bounds[1::2], bounds[2::2], strict=False))


EPOCHS = st.none() | st.integers(0, 2**31 - 1)


def test_what_is_finished_beyond_the_offset():
    metadata = commit_metadata.encode("A", b'{"n":1}', offset=42, done=[(43, 45), (345, 1345)], done_epoch=7)
    assert metadata == 'kls1;topic=A;state={"n":1};done=KggBAqwC6Ac'
    assert commit_metadata.done_of(metadata, 42) == [(43, 45), (345, 1345)]
    assert commit_metadata.done_epoch_of(metadata) == 7
    assert commit_metadata.topic_id_of(metadata) == "A"
    assert commit_metadata.state_of(metadata) == b'{"n":1}'


def test_nothing_finished_beyond_is_not_written():
    assert commit_metadata.encode("A", None, offset=42, done=(), done_epoch=7) == "kls1;topic=A"
    assert commit_metadata.done_of("kls1;topic=A", 42) == []
    assert commit_metadata.done_epoch_of("kls1;topic=A") is None


@given(found=beyond(), epoch=EPOCHS, topic_id=st.none() | st.just("3Db5QLSqSZieL3rJBUUegA"), elsewhere=st.integers(0))
def test_what_is_finished_comes_back_as_it_was_and_only_with_its_offset(found, epoch, topic_id, elsewhere):
    offset, done = found
    metadata = commit_metadata.encode(topic_id, offset=offset, done=done, done_epoch=epoch)
    assert commit_metadata.done_of(metadata, offset) == done
    assert commit_metadata.done_epoch_of(metadata) == (epoch if done else None)
    assert commit_metadata.topic_id_of(metadata) == topic_id
    if elsewhere != offset:
        assert commit_metadata.done_of(metadata, elsewhere) == []


@given(
    found=beyond(most=10),
    times=st.integers(1, 100),
    state=st.none() | st.text(";é😀x", max_size=600).map(lambda text: json.dumps({"s": text}, ensure_ascii=False)),
)
def test_what_does_not_fit_is_left_out_from_the_high_end(found, times, state):
    offset, few = found
    width = max(end for _, end in few) - offset if few else 0
    done = [(start + at * width, end + at * width) for at in range(times) for start, end in few]
    metadata = commit_metadata.encode("3Db5QLSqSZieL3rJBUUegA", state and state.encode(), offset=offset, done=done)
    assert len(metadata.encode()) <= MAX_SIZE
    kept = commit_metadata.done_of(metadata, offset)
    assert kept == done[: len(kept)]
    assert len(kept) == len(done) or len(metadata.encode()) > MAX_SIZE - 32, "no room is given away"


def test_no_room_for_what_is_finished_leaves_the_rest_as_it_is():
    state = b'{"x":"' + b"y" * (MAX_SIZE - 30) + b'"}'
    metadata = commit_metadata.encode("A", state, offset=1, done=[(2, 3)])
    assert metadata == commit_metadata.encode("A", state)


@pytest.mark.parametrize("done", [[(41, 43)], [(43, 43)], [(43, 42)], [(50, 52), (51, 53)]])
def test_intervals_out_of_order_are_refused(done):
    with pytest.raises(ValueError, match="do not come after"):
        commit_metadata.encode("A", offset=42, done=done)


@pytest.mark.parametrize(
    "text",
    [
        "", "A", "KggBAqwC6A", "KggBAqwC", "Kgg", "Kg", "KggBAA", "KggBAg==x", "Kgg*AQI", "Kgg\u00e9", "[1,2]",
        "/////////////////////w", "KggB_____________38",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_nothing_finished(text):
    metadata = f"kls1;done={text};topic=A"
    assert commit_metadata.done_of(metadata, 42) == []
    assert commit_metadata.done_epoch_of(metadata) is None
    assert commit_metadata.topic_id_of(metadata) == "A"


@given(text=st.text() | st.text("ABCDEFgh-_019"), offset=st.integers(0, 300))
def test_any_garbage_is_read_as_intervals_in_order_or_as_nothing(text, offset):
    bounds = [bound for pair in commit_metadata.done_of(f"kls1;done={text}", offset) for bound in pair]
    assert bounds == sorted(bounds)
    assert all(bound >= offset for bound in bounds)
    assert all(start < end for start, end in zip(bounds[::2], bounds[1::2], strict=True))
