"""The demo: the real sink on a Kafka and a Lambda inside this process, and an account of every record."""
