"""What LogPulse speaks of: labels, matchers, levels."""
