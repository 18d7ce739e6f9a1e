import json
from contextlib import suppress
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.filter_patterns import Filter, compile_filter
from kafka_lambda_sink.transforms.filter_syntax import FilterPatternError
from tests.support.naive_filter import naively_matches
from tests.support.records import record

NAMES = st.sampled_from("abc")
TEXTS = st.text("abB*\\.1", max_size=3) | st.sampled_from(["10.0.0.1", "10.0.9.1"])
NUMBERS = st.sampled_from([0, 1, -1, 2, 0.1, 1.5, 100, 2**53, 2**53 + 1])
SCALARS = TEXTS | NUMBERS | st.none() | st.booleans()


def values(*, has_arrays_of_objects: bool) -> st.SearchStrategy[Any]:
    flat = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4)

    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        objects = st.dictionaries(NAMES, inner, max_size=3)
        return objects | st.lists(inner, max_size=2) if has_arrays_of_objects else objects

    return st.recursive(flat, grow, max_leaves=6)


def wildcards() -> st.SearchStrategy[str]:
    pieces = st.lists(st.sampled_from(["a", "b", "\\*", "\\\\", "1"]), max_size=2).map("".join)
    return st.lists(pieces, min_size=1, max_size=4).map("*".join).filter(lambda text: "**" not in text)


def ranges() -> st.SearchStrategy[Any]:
    one = st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS)
    two = st.tuples(st.sampled_from([">", ">="]), NUMBERS, st.sampled_from(["<", "<="]), NUMBERS)
    return (one | two.filter(lambda it: it[1] < it[3])).map(list)


def operator(name: str, argument: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return argument.map(lambda it: {name: it})


def one_or_more(texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return texts | st.lists(texts, min_size=1, max_size=2)


def conditions() -> st.SearchStrategy[Any]:
    cased = TEXTS | operator("equals-ignore-case", TEXTS)
    some = TEXTS.filter(bool)
    excepted = (
        one_or_more(TEXTS)
        | one_or_more(NUMBERS)
        | operator("prefix", one_or_more(some))
        | operator("suffix", one_or_more(some))
        | operator("equals-ignore-case", one_or_more(TEXTS))
        | operator("wildcard", one_or_more(wildcards()))
    )
    return (
        SCALARS
        | operator("exists", st.just(value=True))
        | operator("prefix", cased)
        | operator("suffix", cased)
        | operator("equals-ignore-case", TEXTS)
        | operator("wildcard", wildcards())
        | operator("numeric", ranges())
        | operator("cidr", st.sampled_from(["10.0.0.0/24", "10.0.0.0/8"]))
        | operator("anything-but", excepted)
    )


@st.composite
def patterns_for(draw: st.DrawFn, value: Any, others: st.SearchStrategy[Any], depth: int = 2) -> dict[str, Any]:
    """A pattern that has a fair chance to match: most of its fields and conditions are taken from the value."""
    while isinstance(value, list) and value:
        value = draw(st.sampled_from(value))
    fields = value if isinstance(value, dict) else {}
    names = draw(st.lists(st.sampled_from([*fields, *fields, "a", "b"]), min_size=1, max_size=2, unique=True))
    pattern: dict[str, Any] = {}
    for name in names:
        inside = fields.get(name)
        if depth and _holds_objects(inside):
            pattern[name] = draw(patterns_for(inside, others, depth - 1))
        else:
            pattern[name] = draw(st.lists(conditions_for(inside) | others, min_size=1, max_size=2))
    if depth and draw(st.integers(0, 3)) == 0:
        pattern["$or"] = draw(st.lists(patterns_for(value, others, depth - 1), min_size=2, max_size=2))
    return pattern


def _holds_objects(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_objects, value)))


def conditions_for(value: Any) -> st.SearchStrategy[Any]:
    while isinstance(value, list) and value:
        value = value[-1]
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("*", "\\*")
        return st.sampled_from(
            [value, {"prefix": value[:1]}, {"suffix": value[1:]}, {"equals-ignore-case": value.upper()},
             {"wildcard": f"*{escaped}"}, {"anything-but": {"suffix": "z"}}, {"anything-but": value}]
        )  # fmt: skip
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return st.sampled_from([value, {"numeric": ["=", value]}, {"numeric": [">=", value]}, {"anything-but": value}])
    return st.just(value) if value is None or isinstance(value, bool) else conditions()


def cases(others: st.SearchStrategy[Any], *, has_arrays_of_objects: bool) -> st.SearchStrategy[Any]:
    """Values, each with a pattern."""
    objects = st.dictionaries(NAMES, values(has_arrays_of_objects=has_arrays_of_objects), max_size=3)
    return objects.flatmap(lambda value: st.tuples(patterns_for(value, others), st.just(value)))


def compiled(pattern: dict[str, Any]) -> Filter:
    try:
        return compile_filter(json.dumps([{"value": pattern}]))
    except FilterPatternError as error:
        # The one thing that is valid elsewhere, with another meaning.
        assume("inside" not in str(error))
        raise


def of(value: object) -> SinkRecord:
    return SinkRecord(
        source=record(1), topic="t", partition=0, key_schema=None, key=None, value_schema=None, value=value, timestamp=1
    )


FORMS = st.none() | TEXTS | TEXTS.map(str.encode) | st.binary(max_size=3) | values(has_arrays_of_objects=True)


def text_of(value: object) -> str | None:
    """What a list sees as a text."""
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            return value.decode()
    return value if isinstance(value, str) else None


def json_of(value: object) -> tuple[str, object]:
    """The form of a value in AWS's table of formats, and what it holds."""
    if isinstance(value, (str, bytes)):
        text = text_of(value)
        if text is None:
            return "no UTF-8", None
        try:
            value = json.loads(text, parse_constant=int)  # which NaN and the like are not
        except ValueError:
            return "text", text
    return ("text" if isinstance(value, str) else "object" if isinstance(value, dict) else "other JSON"), value


def naively_passes(pattern: dict[str, Any] | list[Any], value: object) -> bool:
    """A pattern of the value itself: fields, or a list of which the presence is asked in any case."""
    form, held = json_of(value)
    if isinstance(pattern, dict):
        return form in {"text", "no UTF-8"} or naively_matches(pattern, held)
    if form in {"object", "no UTF-8"}:
        return pattern not in ([None], [{"exists": False}])
    text = text_of(value)
    return naively_matches({"a": pattern}, {"a": value if text is None else text})


def agree(pattern: dict[str, Any], value: object) -> None:
    made = compiled(pattern)
    passes = made(of(value))
    assert passes == naively_matches(pattern, value)
    assert made.explain(of(value)).passes == passes


ABSENT = st.just({"exists": False})


@given(cases(conditions(), has_arrays_of_objects=True))
def test_compiled_patterns_match_what_their_definition_matches(case):
    agree(*case)


@given(st.lists(st.dictionaries(NAMES, st.sampled_from([1, 2]), max_size=3), max_size=3), st.data())
def test_all_that_is_said_of_an_array_holds_for_one_object_of_it(array, data):
    fields = st.dictionaries(NAMES, st.sampled_from([[1], [2]]), min_size=1, max_size=2)
    inside = fields.map(lambda it: {"items": it})
    alternatives = st.lists(inside | fields, min_size=2, max_size=2).map(lambda it: {"$or": it})
    agree({**data.draw(inside), **data.draw(st.just({}) | alternatives)}, {"items": array, "a": 1})


@given(st.lists(st.sampled_from(["a", "ab", "b"]), max_size=4), st.text("ab", max_size=6))
def test_wildcards_match_what_their_definition_matches(pieces, text):
    agree({"a": [{"wildcard": "*".join(["", *pieces]) if pieces else "*"}]}, {"a": text})


@given(cases(conditions() | ABSENT, has_arrays_of_objects=False))
def test_compiled_patterns_find_absence_as_their_definition_does(case):
    agree(*case)


@given(cases(ABSENT, has_arrays_of_objects=True))
def test_every_decision_of_an_explanation_is_that_of_the_filter(case):
    pattern, value = case
    made = compiled(pattern)
    assert made.explain(of(value)).passes == made(of(value))


@given(FORMS, st.booleans(), st.data())
def test_what_does_not_fit_passes_whatever_is_wanted_of_it(value, is_text, data):
    if is_text and not isinstance(value, (str, bytes)):
        value = json.dumps(value)
    presence = st.sampled_from([[None], [{"exists": False}], [{"exists": True}]])
    lists = presence | st.lists(conditions_for(value) | conditions().filter(lambda it: it is not None), min_size=1)
    pattern = data.draw(lists | patterns_for(json_of(value)[1], conditions() | ABSENT))
    made = compiled(pattern)
    passes = made(of(value))
    assert passes == naively_passes(pattern, value)
    assert made.explain(of(value)).passes == passes


@given(st.text('[]{}":,$or a1\\', max_size=40) | cases(ABSENT, has_arrays_of_objects=False).map(repr))
def test_any_text_is_a_filter_or_problems_of_patterns(text):
    with suppress(FilterPatternError):
        compile_filter(text)
