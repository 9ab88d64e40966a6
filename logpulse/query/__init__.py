"""From a parsed query to its answer."""
