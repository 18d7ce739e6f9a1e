"""The embedded default: an in-process Kafka and a local function runtime, for demo, development and tests."""
