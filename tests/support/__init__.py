"""What several test suites share: real parts, and small tools to drive and to watch them."""
