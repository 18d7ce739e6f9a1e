"""Bytes to JSON: what Kafka Connect calls converters."""
