"""Partition pipelines, delivery, reporting, and the coordinator that opens and closes pipelines."""
