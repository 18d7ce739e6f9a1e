"""`python -m kafka_lambda_sink` and the console script."""

from __future__ import annotations

from kafka_lambda_sink.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
