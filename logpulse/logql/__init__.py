"""The language: grammar, syntax tree and stages."""
