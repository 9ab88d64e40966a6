"""Tests, as a package: `tests.agent` is not to be taken for `agent`."""
