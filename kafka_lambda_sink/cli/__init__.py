"""The commands: thin shells over the connector."""
