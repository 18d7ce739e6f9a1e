"""The text of `aws.lambda.topic2function.map`: a function for each topic."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

from kafka_lambda_sink.config.finding import Faults
from kafka_lambda_sink.config.function_name import checked_function_name
from kafka_lambda_sink.config.topic_selection import checked_topic_names

_HINT: Final = "Write topic1;function1,topic2;function2"


class TopicFunction(NamedTuple):
    """A topic, and the function that its records go to."""

    topic: str
    function: str


def parsed_topic_functions(value: Any) -> Any:
    """Pairs of the text `topic1;function1,topic2;function2`. Raises Faults with everything that is wrong.

    Source: Confluent Cloud's template of the connector, `<topic-1>;<function-1>,<topic-2>;<function-2>,...`.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return ()
    pairs: list[TopicFunction] = []
    faults: list[tuple[str, str | None]] = []
    for number, text in enumerate(value.split(","), 1):
        parts = [part.strip() for part in text.split(";")]
        if not any(parts):
            faults.append((f"entry {number} is blank", _HINT))
        elif len(parts) != len(TopicFunction._fields) or not all(parts):
            faults.append((f"entry {number}, `{text.strip()}`, is not a topic and a function", _HINT))
        else:
            try:
                (topic,) = checked_topic_names((parts[0],))
                pairs.append(TopicFunction(topic, checked_function_name(parts[1])))
            except ValueError as error:
                faults.append((f"entry {number}, `{text.strip()}`: {error}", None))
    counts = Counter(pair.topic for pair in pairs)
    faults += [(f"names the topic {topic} {times} times", "Keep one") for topic, times in counts.items() if times > 1]
    if faults:
        raise Faults(faults)
    return tuple(pairs)
