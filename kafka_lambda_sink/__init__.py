"""Delivers Kafka records to AWS Lambda functions: in order, at least once, without Kafka Connect."""
