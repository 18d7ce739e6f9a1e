"""The member of the consumer group: holds the assignment, makes the commits, reads nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as ClientPartition

from kafka_lambda_sink.core.errors import (
    FatalKafkaError,
    KafkaAuthorizationError,
    KafkaClientError,
    RetriableKafkaError,
)
from kafka_lambda_sink.core.ports import CommitOffset, Committed, RebalanceListener
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.client_config import build_client, is_broker_side
from kafka_lambda_sink.kafka.client_events import ClientEvents
from kafka_lambda_sink.kafka.client_position import client_position
from kafka_lambda_sink.kafka.errors import client_error
from kafka_lambda_sink.telemetry.logs import get_logger

T = TypeVar("T")
CommitDone = Callable[[dict[TopicPartition, str | None]], None]

#: Any offset that needs no look-up: the member's partitions are paused, so that it is never read from.
_NOWHERE: Final = 0
#: Refusals of a commit that concern single partitions.
_REFUSES_ONE: Final = frozenset(
    {"UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID", "TOPIC_AUTHORIZATION_FAILED", "OFFSET_METADATA_TOO_LARGE"}
)
#: Seconds to ask the group which of a commit's partitions were refused.
_SETTLE_TIMEOUT: Final = 5.0
#: Seconds that a synchronous commit and leaving the group may take, unless who asks says otherwise.
_COMMIT_TIMEOUT: Final = 5.0
_LEAVE_TIMEOUT: Final = 4.0

_log = get_logger(__name__)


class ConsumerGroupMember:
    """`core.ports.GroupMember` on one consumer, configured by `client_config.member_config`.

    What the listener raises is kept and raised by `poll` or `close`: an exception that escapes from a callback of the
    client ends the rebalance half done.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._events = ClientEvents()
        strategies = str(config.get("partition.assignment.strategy", ""))
        self._is_incremental = is_broker_side(config) or "cooperative" in strategies
        self._failure: Exception | None = None
        #: The newest asynchronous commit until its answer comes, and those whose answer came and is not told yet.
        self._sent: tuple[Sequence[CommitOffset], CommitDone] | None = None
        self._answered: list[tuple[Sequence[CommitOffset], CommitDone, KafkaError | None]] = []
        #: The newest synchronous commit; it outlives its bound when the broker hangs.
        self._committing: threading.Thread | None = None
        #: Whether the client is calling us back, or closing.
        self._is_called_back = False
        self._consumer: Consumer = build_client(Consumer, dict(config) | {"on_commit": self._on_commit}, self._events)

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """Join the group, or change the list of topics."""

        def on_assign(_: Consumer, partitions: list[ClientPartition]) -> None:
            self._keep(self._take_over, partitions)
            self._keep(listener.on_assigned, _names(partitions))

        def on_revoke(_: Consumer, partitions: list[ClientPartition]) -> None:
            self._keep(listener.on_revoked, _names(partitions))
            self._keep(self._give_up, partitions)

        def on_lost(_: Consumer, partitions: list[ClientPartition]) -> None:
            self._keep(listener.on_lost, _names(partitions))
            self._keep(self._give_up, partitions)

        try:
            self._consumer.subscribe(list(topics), on_assign=on_assign, on_revoke=on_revoke, on_lost=on_lost)
        except KafkaException as error:
            raise self._explain(error, "subscribing") from error

    def poll(self, timeout: float) -> None:
        """Serve the group. Raises FatalKafkaError, KafkaAuthorizationError, and what the listener raised."""
        try:
            message = self._consumer.poll(timeout)
        except KafkaException as failure:
            raise self._explain(failure, "polling the group") from failure
        self._tell_commits()
        self._raise_failure()
        error = message.error() if message is not None else None
        if message is not None and error is None:
            self._refuse(message)
        elif error is not None:
            self._judge(error)
        grave = self._events.take_grave()
        if grave is not None:
            raise grave

    def committed(self, partitions: Sequence[TopicPartition], timeout: float) -> list[Committed]:
        """The group's committed offsets, one a partition, in the order asked. See the port."""
        doing = "asking the committed offsets"
        try:
            found = self._consumer.committed([ClientPartition(*tp) for tp in partitions], timeout)
        except KafkaException as error:
            explained = self._explain(error, doing)
            if isinstance(explained, (FatalKafkaError, KafkaAuthorizationError)):
                raise explained from error
            raise RetriableKafkaError(str(explained), code=explained.code) from error
        for answer in found:
            if answer.error is not None:
                raise RetriableKafkaError(f"{doing} of {_tp(answer)}: {answer.error}", code=answer.error.name())
        return [
            Committed(
                _tp(answer),
                answer.offset if answer.offset >= 0 else None,
                answer.metadata or "",
                answer.leader_epoch,
            )
            for answer in found
        ]

    def commit(self, offsets: Sequence[CommitOffset], done: CommitDone) -> None:
        """Commit without blocking. Whoever commits again before `done` was called has given that commit up."""
        self._sent = (offsets, done)
        try:
            self._consumer.commit(offsets=_client_offsets(offsets), asynchronous=True)
        except KafkaException as error:
            self._sent = None
            raise self._explain(error, "committing") from error

    def commit_sync(
        self, offsets: Sequence[CommitOffset], timeout: float = _COMMIT_TIMEOUT
    ) -> dict[TopicPartition, str | None]:
        """Commit and wait up to `timeout` seconds. A refusal is told partition by partition, never raised.

        The client waits for a broker that hangs until its request times out, a minute; outside of callbacks we give up
        before. Inside of one the client lets no other thread use it.
        """
        if self._is_called_back:
            return self._codes(offsets, self._commit_and_wait(offsets), _SETTLE_TIMEOUT)
        answers: list[KafkaError | None] = []
        self._committing = threading.Thread(
            target=lambda: answers.append(self._commit_and_wait(offsets)), name="committing", daemon=True
        )
        self._committing.start()
        self._committing.join(timeout)
        if not answers:
            return {offset.tp: "_TIMED_OUT" for offset in offsets}
        return self._codes(offsets, answers[0], min(timeout, _SETTLE_TIMEOUT))

    def close(self, timeout: float = _LEAVE_TIMEOUT) -> None:
        """Leave the group; the listener is told to give up what is left. Raises what it raised.

        The client waits for the group's coordinator without a bound, also while the broker hangs: we wait `timeout`
        seconds.
        """
        if self._committing is not None and self._committing.is_alive():
            # Closing under a call that uses the client would pull it away from beneath it.
            _log.warning("left without a word: the group does not answer, and waits out the session timeout")
            return
        leaving = threading.Thread(
            target=self._keep, args=(lambda consumer: consumer.close(), self._consumer), name="leaving", daemon=True
        )
        leaving.start()
        leaving.join(timeout)
        if leaving.is_alive():
            _log.warning("left without the group's answer: it waits out the session timeout")
        self._raise_failure()

    # --- called back by the client, from inside poll and close ---

    def _take_over(self, partitions: list[ClientPartition]) -> None:
        assigned = [ClientPartition(partition.topic, partition.partition, _NOWHERE) for partition in partitions]
        if self._is_incremental:
            self._consumer.incremental_assign(assigned)
        else:
            self._consumer.assign(assigned)
        # librdkafka remembers a partition's pause across revoke and assign: said anew each time, it is what we say.
        self._consumer.pause(assigned)

    def _give_up(self, partitions: list[ClientPartition]) -> None:
        if self._is_incremental:
            self._consumer.incremental_unassign(partitions)
        else:
            self._consumer.unassign()

    def _on_commit(self, error: KafkaError | None, partitions: list[ClientPartition]) -> None:
        """Take an answer that is the newest commit's.

        The client does not say which commit it answers, but gives its offsets back. Those of a commit that was given up
        say nothing of the newest one; where the two are the same, it does not matter which of them the group took.
        """
        if self._sent is None or _content(partitions) != _content(_client_offsets(self._sent[0])):
            return
        self._answered.append((*self._sent, error))
        self._sent = None

    def _commit_and_wait(self, offsets: Sequence[CommitOffset]) -> KafkaError | None:
        try:
            self._consumer.commit(offsets=_client_offsets(offsets), asynchronous=False)
        except KafkaException as error:
            refusal: KafkaError = error.args[0]
            return refusal
        return None

    def _keep(self, step: Callable[[T], None], argument: T) -> None:
        """Run a step; the first exception is kept for `poll` or `close` to raise."""
        was_called_back, self._is_called_back = self._is_called_back, True
        try:
            step(argument)
        except KafkaException as error:
            self._failure = self._failure or self._explain(error, "rebalancing")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again
            self._failure = self._failure or error
        finally:
            self._is_called_back = was_called_back

    # --- what poll brings ---

    def _tell_commits(self) -> None:
        while self._answered:
            offsets, done, error = self._answered.pop(0)
            self._keep(done, self._codes(offsets, error, _SETTLE_TIMEOUT))

    def _codes(
        self, offsets: Sequence[CommitOffset], error: KafkaError | None, timeout: float
    ) -> dict[TopicPartition, str | None]:
        """Each partition's error code or None.

        The broker refuses partition by partition, and confluent-kafka tells the first refusal as that of all. So the
        group is asked: one partition of a deleted topic must not make the commits of the others look lost.
        """
        code = error.name() if error is not None else None
        if code not in _REFUSES_ONE or len(offsets) == 1:
            return {offset.tp: code for offset in offsets}
        try:
            found = self.committed([offset.tp for offset in offsets], timeout)
        except KafkaClientError:
            return {offset.tp: code for offset in offsets}
        stands = {committed.tp: committed.offset for committed in found}
        return {offset.tp: None if stands[offset.tp] == offset.offset else code for offset in offsets}

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _judge(self, error: KafkaError) -> None:
        """Raise what waiting does not end, log the rest: a missing topic, a missed poll interval, a broker away."""
        judged = client_error(error, "the group")
        if isinstance(judged, (FatalKafkaError, KafkaAuthorizationError)):
            raise judged
        _log.warning("the group reports an error", error=str(judged), code=judged.code)

    def _refuse(self, message: Message) -> None:
        """A record that came in spite of the pause is dropped: the fetcher of its partition reads it."""
        partition = ClientPartition(str(message.topic()), message.partition() or 0)
        _log.error("a record came to the group's member; its partition is paused again", partition=str(_tp(partition)))
        self._consumer.pause([partition])

    def _explain(self, error: KafkaException, doing: str) -> KafkaClientError:
        return self._events.explain(error.args[0], doing)


def _tp(partition: ClientPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _names(partitions: Sequence[ClientPartition]) -> list[TopicPartition]:
    return [_tp(partition) for partition in partitions]


def _content(partitions: Sequence[ClientPartition]) -> set[tuple[str, int, int, str]]:
    """What a commit says, whatever its order."""
    return {(each.topic, each.partition, each.offset, each.metadata or "") for each in partitions}


def _client_offsets(offsets: Sequence[CommitOffset]) -> list[ClientPartition]:
    return [client_position(offset.tp, offset.offset, offset.leader_epoch, offset.metadata) for offset in offsets]
