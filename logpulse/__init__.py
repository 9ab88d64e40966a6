"""LogPulse: a log store that indexes only labels and answers LogQL in milliseconds."""

__version__ = "0.1.0"
