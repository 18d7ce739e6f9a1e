"""Where results may go: `aws.lambda.response.topic` and `aws.lambda.reply.routing.topics`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kafka_lambda_sink.core.errors import ReplyError

_TOPICS_KEY: Final = "aws.lambda.reply.routing.topics"
#: How much of a foreign text is quoted.
_QUOTED: Final = 80


@dataclass(frozen=True, slots=True)
class Routes:
    """The topics that results may go to: those that were declared, for they alone are known to exist and be allowed."""

    response_topic: str | None = None
    topics: frozenset[str] = frozenset()

    def check(self, topic: str | None, where: str) -> None:
        """Raise ReplyError for a topic that results may not go to; None stands for the response topic."""
        if topic is None:
            if self.response_topic is None:
                hint = f"Name one of {_TOPICS_KEY} in each result, or set aws.lambda.response.topic."
                raise ReplyError(f"{where} names no topic, and there is no aws.lambda.response.topic", hint=hint)
        elif topic not in self.topics and topic != self.response_topic:
            shown = topic if len(topic) <= _QUOTED else f"{topic[:_QUOTED]}…"
            raise ReplyError(
                f"{where} names the topic {shown!r}, which is not among {_TOPICS_KEY}",
                hint=f"Add it to {_TOPICS_KEY}, or name another one in the function.",
            )


def is_header_name(name: str) -> bool:
    """Whether it can be written: librdkafka cuts a name at NUL, and what UTF-8 does not know has no bytes."""
    is_utf8 = name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)
    return is_utf8 and "\0" not in name
