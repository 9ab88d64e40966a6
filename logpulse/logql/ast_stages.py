"""The stages of a pipeline that read labels out of a line, or write lines and labels."""

from __future__ import annotations

import enum

import attrs

from logpulse.logql.lexical import quote
from logpulse.model.matcher import Matcher

# -- parsers ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class Extraction:
    """Name the label to create and the key or path of its value; `json b` stands for `json b="b"`."""

    name: str
    expression: str

    def __str__(self) -> str:
        return f"{self.name}={quote(self.expression)}"


@attrs.frozen
class JsonParser:
    """Read the line as JSON: all of it, or only the named paths."""

    extractions: tuple[Extraction, ...] = ()

    def __str__(self) -> str:
        return _with_list("| json", self.extractions)


@attrs.frozen
class LogfmtParser:
    """Read the line as `key=value` pairs: all of them, or only the named keys.

    `strict` makes a broken pair an error; `keep_empty` creates labels for keys without a value.
    """

    strict: bool = False
    keep_empty: bool = False
    extractions: tuple[Extraction, ...] = ()

    def __str__(self) -> str:
        flags = (" --strict" if self.strict else "") + (" --keep-empty" if self.keep_empty else "")
        return _with_list(f"| logfmt{flags}", self.extractions)


@attrs.frozen
class RegexpParser:
    """Create a label from each named group of a regular expression, which may match anywhere in the line."""

    pattern: str

    def __str__(self) -> str:
        return f"| regexp {quote(self.pattern)}"


@attrs.frozen
class PatternParser:
    """Create a label from each named capture of a pattern such as `<ip> - <_> [<time>]`."""

    pattern: str

    def __str__(self) -> str:
        return f"| pattern {quote(self.pattern)}"


@attrs.frozen
class UnpackParser:
    """Undo the agent's `pack` stage: labels and the line stand in one JSON object."""

    def __str__(self) -> str:
        return "| unpack"


# -- formats ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class LineFormat:
    """Replace the line by what a template makes of the entry."""

    template: str

    def __str__(self) -> str:
        return f"| line_format {quote(self.template)}"


@attrs.frozen
class LabelRename:
    """Give the value of the label `source` to `name`; `source` disappears."""

    name: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}={self.source}"


@attrs.frozen
class LabelTemplate:
    """Set the label `name` to what a template makes of the entry."""

    name: str
    template: str

    def __str__(self) -> str:
        return f"{self.name}={quote(self.template)}"


@attrs.frozen
class LabelFormat:
    """Rename labels or set them from templates, in order; each name is set at most once."""

    assignments: tuple[LabelRename | LabelTemplate, ...]

    def __str__(self) -> str:
        return _with_list("| label_format", self.assignments)


@attrs.frozen
class Decolorize:
    """Remove ANSI colour sequences from the line."""

    def __str__(self) -> str:
        return "| decolorize"


@attrs.frozen
class DropLabels:
    """Remove labels: those named, and those whose value meets a matcher."""

    items: tuple[str | Matcher, ...]

    def __str__(self) -> str:
        return _with_list("| drop", self.items)


@attrs.frozen
class KeepLabels:
    """Remove all labels but those named and those whose value meets a matcher."""

    items: tuple[str | Matcher, ...]

    def __str__(self) -> str:
        return _with_list("| keep", self.items)


# -- samples ----------------------------------------------------------------------------------------------------------


class UnwrapConversion(enum.Enum):
    """How the value of an unwrapped label becomes a number; both durations give seconds."""

    NUMBER = "number"
    BYTES = "bytes"
    DURATION = "duration"
    DURATION_SECONDS = "duration_seconds"


@attrs.frozen
class Unwrap:
    """Take the value of a label as the sample of a range aggregation; only label filters may follow."""

    label: str
    conversion: UnwrapConversion = UnwrapConversion.NUMBER

    def __str__(self) -> str:
        if self.conversion is UnwrapConversion.NUMBER:
            return f"| unwrap {self.label}"
        return f"| unwrap {self.conversion.value}({self.label})"


def _with_list(
    keyword: str, items: tuple[Extraction, ...] | tuple[LabelRename | LabelTemplate, ...] | tuple[str | Matcher, ...]
) -> str:
    return f"{keyword} {','.join(map(str, items))}" if items else keyword
