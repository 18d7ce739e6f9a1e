"""Properties of the Kafka clients: Java's names and values translated to librdkafka's."""
