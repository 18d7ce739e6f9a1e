"""What one would write by hand: consume a batch, `client.invoke`, perhaps produce the results, commit. One thread.

`--unsigned` sends with http.client and no signature: the least that it can cost in plain Python.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import signal
import threading
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from confluent_kafka import Consumer, KafkaException, Producer

parser = argparse.ArgumentParser()
for name in ("bootstrap", "topic", "group", "url"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--response-topic")
parser.add_argument("--unsigned", action="store_true")
options = parser.parse_args()

stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())
session = boto3.Session("AKIALOCAL", "secret", region_name="us-east-1")
client = session.client("lambda", endpoint_url=options.url, config=Config(retries={"max_attempts": 0}))
connection = http.client.HTTPConnection(urlsplit(options.url).netloc)


def invoke(payload: bytes) -> bytes:
    """The reply; RuntimeError where there is none."""
    if options.unsigned:
        connection.request("POST", "/2015-03-31/functions/bench/invocations", payload)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK or answer.getheader("X-Amz-Function-Error"):
            raise RuntimeError(body)
        return body
    reply = client.invoke(FunctionName="bench", Payload=payload)
    if reply.get("FunctionError"):
        raise RuntimeError(reply["FunctionError"])
    return reply["Payload"].read()


broker = {"bootstrap.servers": options.bootstrap}
producer = Producer(broker | {"enable.idempotence": True})
consumer = Consumer(broker | {"group.id": options.group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
consumer.subscribe([options.topic])
while not stopped.is_set():
    messages = [message for message in consumer.consume(options.batch, 0.5) if not message.error()]
    if not messages:
        continue
    event = []
    for message in messages:
        place = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
        content = {"key": (message.key() or b"").decode(), "value": json.loads(message.value() or b"null")}
        event.append({"payload": {"timestamp": message.timestamp()[1], **place, **content}})
    body = invoke(json.dumps(event, separators=(",", ":")).encode())
    if options.response_topic:
        for message, entry in zip(messages, json.loads(body), strict=True):
            key = {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
            producer.produce(options.response_topic, json.dumps(entry["payload"]), json.dumps(key))
        producer.flush()  # Committed before it is written, a result could be lost.
    consumer.commit(asynchronous=True)
with contextlib.suppress(KafkaException):  # Perhaps nothing is left to commit.
    consumer.commit(asynchronous=False)
consumer.close()
