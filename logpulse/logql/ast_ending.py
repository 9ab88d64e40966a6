"""What may end a log query in LogPulse, and in no other server: which of the entries found an answer shows.

Neither decides whether an entry matches, so neither is a stage.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Dedup:
    """Show each key once: the values of `labels`, or without any the line as the pipeline left it."""

    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"| dedup by ({','.join(self.labels)})" if self.labels else "| dedup"


@attrs.frozen
class Context:
    """Show up to `before` earlier and `after` later entries of its stream with each match; one of them is positive."""

    before: int = 0
    after: int = 0

    def __str__(self) -> str:
        bounds = {"before": self.before, "after": self.after}
        return " ".join(("| context", *(f"{name}={number}" for name, number in bounds.items() if number)))
