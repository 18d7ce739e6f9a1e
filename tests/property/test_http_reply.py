"""A reply is the same however it arrives, and nothing that arrives is worse than a fault."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.exchange_fault import ExchangeFault
from kafka_lambda_sink.aws_lambda.http_reply import HttpReply, HttpReplyReader

LIMIT = 10_000
CODES = {errors.CONNECTION_LOST, errors.REPLY_TRUNCATED, errors.REPLY_TOO_LARGE}
TOKEN = st.text("abcXYZ019-_!#$%&'*+.^`|~", min_size=1, max_size=12).map(str.encode)
VALUE = st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n"), max_size=20).map(
    lambda text: text.encode("latin-1")
)


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, int, bytes]:
    """A valid response, its status and its body."""
    status = draw(st.integers(200, 599).filter(lambda code: code not in {204, 304}))
    body = draw(st.binary(max_size=200))
    fields = draw(st.lists(st.tuples(TOKEN.map(lambda name: b"x-" + name), VALUE), max_size=5))
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    head = b"".join([b"HTTP/1.1 102 Wait\r\n\r\n"] * draw(st.integers(0, 2))) + b"HTTP/1.1 %d " % status + b"Any\r\n"
    if draw(st.booleans()):
        return head + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body, status, body
    cuts = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=4))})
    chunks = [body[start:end] for start, end in pairwise(cuts)]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head + lines + b"Transfer-Encoding: chunked\r\n\r\n" + sent + b"0\r\n\r\n", status, body


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def read(chunks: list[bytes]) -> HttpReply:
    arriving = iter([*chunks, b""])
    return HttpReplyReader(lambda: next(arriving), LIMIT).read()


@given(replies(), st.lists(st.integers(0, 2000), max_size=20))
def test_a_reply_is_the_same_however_it_is_cut(reply: tuple[bytes, int, bytes], cuts: list[int]):
    data, status, body = reply

    whole, cut, by_byte = read([data]), read(split(data, cuts)), read(split(data, list(range(len(data)))))

    assert (whole.status, whole.body, whole.is_reusable) == (status, body, True)
    assert whole == cut == by_byte


@given(replies(), st.integers(0, 2000))
def test_a_reply_that_ends_early_is_never_taken_for_whole(reply: tuple[bytes, int, bytes], length: int):
    data = reply[0][: length % len(reply[0])]

    try:
        read([data] if data else [])
    except ExchangeFault as fault:
        assert fault.code == (errors.REPLY_TRUNCATED if data else errors.CONNECTION_LOST)  # noqa: PT017  # must raise
    else:
        raise AssertionError(data)


@given(
    replies(),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4),
    st.lists(st.integers(0, 2000), max_size=5),
)
def test_a_mutated_reply_is_a_reply_or_a_fault(
    reply: tuple[bytes, int, bytes], edits: list[tuple[int, int, bytes]], cuts: list[int]
):
    data = reply[0]
    for place, removed, added in edits:
        at = place % (len(data) + 1)
        data = data[:at] + added + data[at + removed :]

    try:
        read_back = read(split(data, cuts))
    except ExchangeFault as fault:
        assert fault.code in CODES  # noqa: PT017  # either outcome is right
    else:
        assert len(read_back.body) <= len(data)
