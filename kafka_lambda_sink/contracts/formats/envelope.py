"""The format `envelope.template`: a JSON text of the user's own around the entries of another format."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

from kafka_lambda_sink.contracts.formats.placeholders import check_placeholders, filled, values_of
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.frame import Frame
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.converters.json_text import InvalidJsonError, validate_json
from kafka_lambda_sink.core.record import TopicPartition

#: Stands, as a whole string, where the entries go.
RECORDS: Final = "${records}"
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_COLON: Final = re.compile(r"\s*:")


def enveloped(inner: RequestFormat, template: str, *, connector: str) -> RequestFormat:
    """`inner` with `template` around what it makes: the string `"${records}"` in it becomes the request of `inner`.

    `${topic}`, `${partition}` and `${connector}` are filled into strings; names of fields have no placeholders. All
    else is sent as it is written. Raises ValueError for a template that is not JSON, does not have `"${records}"`
    exactly once, or names what is not known.
    """
    head, tail = _halves(template)

    def frame(tp: TopicPartition) -> Frame:
        around, values = inner.frame(tp), values_of(tp, connector)
        return Frame(_written(head, values) + around.before, around.after + _written(tail, values))

    return replace(inner, frame=frame)


def _halves(template: str) -> tuple[str, str]:
    """What is before and behind the entries."""
    try:
        validate_json(template.encode())
    except InvalidJsonError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    except UnicodeEncodeError:
        raise ValueError("it holds a lone surrogate, which is no Unicode") from None
    places = []
    for match in _STRING.finditer(template):
        text = json.loads(match[0])
        if _COLON.match(template, match.end()):
            check_placeholders(text, names=())
        elif text == RECORDS:
            places.append(match)
        else:
            check_placeholders(text)
    if len(places) != 1:
        raise ValueError(f'it has the string "{RECORDS}" {len(places)} times instead of once')
    return template[: places[0].start()], template[places[0].end() :]


def _written(part: str, values: dict[str, str]) -> bytes:
    def fill(match: re.Match[str]) -> str:
        text: str = json.loads(match[0])
        return encode(filled(text, values)).decode() if "${" in text else match[0]

    return _STRING.sub(fill, part).encode()
