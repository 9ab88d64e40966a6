"""From the bytes of a file to entries: lines, and the labels of their streams."""
