"""The Trio tasks of the server, one file each."""
