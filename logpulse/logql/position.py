"""Where things stand in the text of a query: positions, tokens, and nodes with the token they begin at."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs
from lark import Token

from logpulse.errors import Position, QuerySyntaxError

Node = TypeVar("Node", covariant=True)


@attrs.frozen
class Placed(Generic[Node]):
    """Hold a node of the tree while it is built, with its first token and a bound on how deep its text nests."""

    node: Node
    token: Token
    height: int = 1


def locate(text: str, offset: int, length: int) -> Position:
    """Give the position of `length` characters from `offset` in the text of a query."""
    line_start = text.rfind("\n", 0, offset) + 1
    return Position(offset, text.count("\n", 0, offset) + 1, offset - line_start + 1, length)


def error_at(token: Token, reason: str, *, hint: str = "", part: slice | None = None) -> QuerySyntaxError:
    """Make the error that points at a token, or at the `part` of it, which must lie on the token's first line."""
    start, stop, _ = (part or slice(None)).indices(len(token))
    offset, line, column = token.start_pos or 0, token.line or 1, token.column or 1
    return QuerySyntaxError(reason, Position(offset + start, line, column + start, stop - start), hint=hint)
