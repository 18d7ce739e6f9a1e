"""The composition root of one task: configuration in, wired objects out; alone in knowing the concrete classes."""
