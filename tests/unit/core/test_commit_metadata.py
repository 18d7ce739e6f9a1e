import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.commit_metadata import MAX_STATE, size_of_state


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
