"""The recorded requests and answers of a real Loki, and how answers are compared with them."""
