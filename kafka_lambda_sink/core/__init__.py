"""What is decided, without IO, threads, clocks, randomness or third-party code."""
