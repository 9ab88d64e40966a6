"""What the server's answer means for the batch that was sent."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs
import msgspec

from logpulse.model.backoff import parse_retry_after


class Action(enum.Enum):
    """Say what becomes of the batch."""

    DONE = "delivered"
    RETRY = "send it again soon"
    HOLD = "send it again later: a person has to mend something"
    SPLIT = "send its halves"
    REFUSED = "write down the refused entries, the others are stored"


@attrs.frozen
class Refusal:
    """Name one refused entry by the places of its stream and within it."""

    stream: int
    entry: int
    reason: str


@attrs.frozen
class Answer:
    """Hold what to do; `refused` are some of `refused_count` entries, all of them where the two agree."""

    action: Action
    reason: str = ""
    retry_after: float | None = None
    refused: tuple[Refusal, ...] = ()
    refused_count: int = 0


class _Rejected(msgspec.Struct):
    stream: int
    entry: int
    reason: str = ""


class _Problem(msgspec.Struct, rename="camel"):
    error: str = ""
    rejected: list[_Rejected] = []
    rejected_count: int = 0


def judge(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """Read an answer to a push; `now` is a unix time. No answer of a server drops lines.

    A redirection is not followed, since that would hand the key to another host: it counts as a wrong address.
    """
    if 200 <= status < 300:
        return Answer(Action.DONE)
    problem = _read_problem(body)
    reason = f"{status} {problem.error}".strip()
    match status:
        case 400 | 422 if problem.rejected and problem.rejected_count:
            refused = tuple(Refusal(each.stream, each.entry, each.reason) for each in problem.rejected)
            return Answer(Action.REFUSED, reason, refused=refused, refused_count=problem.rejected_count)
        case 400 | 422 if not problem.error:
            # Not LogPulse's words: a proxy that was reached in another way than it wants, or no LogPulse at all.
            return Answer(Action.HOLD, f"{status} from something that is not LogPulse")
        case 400 | 413 | 422:
            return Answer(Action.SPLIT, reason)
        case 408 | 425 | 429:
            return Answer(Action.RETRY, reason, parse_retry_after(headers.get("retry-after"), now))
        case _ if status >= 500 and status != 501:
            return Answer(Action.RETRY, reason, parse_retry_after(headers.get("retry-after"), now))
        case _ if 300 <= status < 400:
            return Answer(Action.HOLD, f"{reason} redirection to {headers.get('location', 'nowhere')!r} not followed")
        case _:
            return Answer(Action.HOLD, reason)


def _read_problem(body: bytes) -> _Problem:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Problem()
