"""Request bodies to batches and back: pure functions."""
