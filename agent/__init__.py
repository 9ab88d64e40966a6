"""The agent: follow log files and deliver every line to a LogPulse server, once."""
