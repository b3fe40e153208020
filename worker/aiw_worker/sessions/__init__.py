"""Sessions on disk: what was detected in each, and what became of it."""
