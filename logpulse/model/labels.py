"""Labels: the sorted name/value pairs that name a stream, and the stream's id, a pure function of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final, NewType

import attrs

from logpulse.errors import InvalidRequestError, LimitExceededError, render_labels
from logpulse.limits import LABEL_NAME_BYTES, LABEL_VALUE_BYTES, LABELS_PER_STREAM

StreamId = NewType("StreamId", int)
"""63 bits: 15 from the main label, so that streams of one service are neighbours on disk, and 48 from all labels."""

# The first of these that a stream has is its main label.
MAIN_LABELS: Final = ("service_name", "service", "app", "job", "container", "namespace")
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@attrs.frozen(slots=False)
class Labels:
    """Hold label pairs sorted by name; a pair with an empty value is no label at all.

    Build it with `Labels.of`, which validates; the plain constructor trusts its argument.
    """

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, labels: Mapping[str, str], *, most: int = LABELS_PER_STREAM) -> Labels:
        """Validate `labels`, drop those with an empty value and sort the rest.

        Lone surrogates become U+FFFD, since they have no UTF-8 form.

        Raises:
            InvalidRequestError: a name is not `[a-zA-Z_][a-zA-Z0-9_]*`, or no label is left.
            LimitExceededError: there are more than `most` labels, or a name or value is too long.
        """
        pairs = tuple(sorted((name, scrub(value)) for name, value in labels.items() if value))
        if not pairs:
            raise InvalidRequestError("labels", dict(labels), "a stream needs at least one label with a value")
        if len(pairs) > most:
            raise LimitExceededError("labels per stream", most, len(pairs), "ingest.max_labels")
        for name, value in pairs:
            if _NAME.fullmatch(name) is None:
                raise InvalidRequestError("label name", name, "must match [a-zA-Z_][a-zA-Z0-9_]*")
            if len(name) > LABEL_NAME_BYTES:
                raise LimitExceededError("label name bytes", LABEL_NAME_BYTES, len(name))
            if len(value) * 4 > LABEL_VALUE_BYTES and len(value.encode()) > LABEL_VALUE_BYTES:
                raise LimitExceededError(f"bytes of the value of label {name}", LABEL_VALUE_BYTES, len(value.encode()))
        return cls(pairs)

    @classmethod
    def from_text(cls, text: str) -> Labels:
        """Read what `text` wrote. Trusts its input: it was validated when it came in."""
        return cls(tuple(json.loads(text).items()))

    @cached_property
    def text(self) -> str:
        """The canonical JSON object: sorted names, no blanks, raw UTF-8. Equal labels have equal text."""
        return json.dumps(dict(self.pairs), ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def encoded(self) -> bytes:
        """The canonical text as UTF-8, as it is written over and over."""
        return self.text.encode()

    @cached_property
    def id(self) -> StreamId:
        """The stream id."""
        names = dict(self.pairs)
        main = next((f"{name}={names[name]}" for name in MAIN_LABELS if name in names), "")
        high = int.from_bytes(hashlib.blake2b(main.encode(), digest_size=8).digest()) >> 49
        low = int.from_bytes(hashlib.blake2b(self.encoded, digest_size=6).digest())
        return StreamId(high << 48 | low)

    def get(self, name: str) -> str:
        """Give the value of `name`, empty if there is no such label: LogQL does not tell the two apart."""
        return next((value for key, value in self.pairs if key == name), "")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def as_dict(self) -> dict[str, str]:
        """Give the pairs as a new dict, sorted by name."""
        return dict(self.pairs)

    def __str__(self) -> str:
        return render_labels(self.pairs)


def is_label_name(name: str) -> bool:
    """Tell whether `name` may name a label."""
    return _NAME.fullmatch(name) is not None and len(name) <= LABEL_NAME_BYTES


def scrub(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot, by U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
