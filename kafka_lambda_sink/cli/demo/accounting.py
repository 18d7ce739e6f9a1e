"""Where every produced record went: a result, a failure, a dead letter, or nowhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

#: (partition, offset)
Coordinates = tuple[int, int]
Headers = Sequence[tuple[str, bytes | None]]

_ERROR_MESSAGE: Final = "error_message"
_DEAD_LETTER_PARTITION: Final = "__connect.errors.partition"
_DEAD_LETTER_OFFSET: Final = "__connect.errors.offset"
_DEAD_LETTER_MESSAGE: Final = "__connect.errors.exception.message"


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """Records that one record of the error topic or the dead letter topic speaks of."""

    partition: int
    first: int
    #: Exclusive.
    end: int
    reason: str

    @property
    def offsets(self) -> range:
        """The offsets of these records."""
        return range(self.first, self.end)

    @classmethod
    def from_error_record(cls, key: bytes, value: bytes, headers: Headers) -> Self:
        """Of a record of the error topic."""
        place = json.loads(key)
        reason = _reason(json.loads(value), _texts(headers))
        return cls(partition=place["partition"], first=place["startOffset"], end=place["endOffset"], reason=reason)

    @classmethod
    def from_dead_letter(cls, headers: Headers) -> Self:
        """Of the context headers of a record of the dead letter topic."""
        texts = _texts(headers)
        offset = int(texts[_DEAD_LETTER_OFFSET])
        return cls(
            partition=int(texts[_DEAD_LETTER_PARTITION]),
            first=offset,
            end=offset + 1,
            reason=texts[_DEAD_LETTER_MESSAGE],
        )


def result_coordinates(key: bytes) -> Coordinates:
    """Of the key of a record of the response topic."""
    place = json.loads(key)
    return place["partition"], place["offset"]


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the produced records."""

    produced: int
    results: int
    failures: Sequence[Failure]
    dead_letters: Sequence[Failure]
    #: Offset that should be committed and is not, by partition.
    uncommitted: Mapping[int, int]
    #: Produced, and found in no topic.
    missing: Sequence[Coordinates]
    #: Found, and never produced.
    strangers: Sequence[Coordinates]
    #: Found in more than one place, or more than once: at least once allows it.
    repeated: Sequence[Coordinates]

    @property
    def failed(self) -> int:
        """Records in failed batches."""
        return sum(len(failure.offsets) for failure in self.failures)

    @property
    def is_complete(self) -> bool:
        """Whether every record is accounted for, and committed."""
        return not self.missing and not self.strangers and not self.uncommitted


def account(
    *,
    produced: Mapping[int, Sequence[int]],
    results: Iterable[Coordinates],
    failures: Sequence[Failure],
    dead_letters: Sequence[Failure],
    committed: Mapping[int, int],
) -> Account:
    """Compare what was produced (offsets by partition) with what the three report topics say."""
    found = Counter(results)
    result_count = found.total()
    for failure in (*failures, *dead_letters):
        found.update((failure.partition, offset) for offset in failure.offsets)
    expected = {(partition, offset) for partition, offsets in produced.items() for offset in offsets}
    ends = {partition: max(offsets) + 1 for partition, offsets in produced.items() if offsets}
    return Account(
        produced=len(expected),
        results=result_count,
        failures=failures,
        dead_letters=dead_letters,
        uncommitted={partition: end for partition, end in ends.items() if committed.get(partition) != end},
        missing=sorted(expected - found.keys()),
        strangers=sorted(found.keys() - expected),
        repeated=sorted(coordinates for coordinates, times in found.items() if times > 1),
    )


def _texts(headers: Headers) -> dict[str, str]:
    return {name: (value or b"").decode(errors="replace") for name, value in headers}


def _reason(error: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The function's own words, where it had some, else the sink's."""
    try:
        reply = json.loads(error["payload"] or "")
        return f"{reply['errorType']}: {reply['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return f"{error['functionError']}: {headers.get(_ERROR_MESSAGE, '')}"
