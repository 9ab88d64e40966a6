"""The pipeline of a query: its stages in their exact form, one behind the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from logpulse.limits import STAGES_BETWEEN_CHECKS
from logpulse.logql.ast import (
    Decolorize,
    DropLabels,
    JsonParser,
    KeepLabels,
    LabelFilter,
    LabelFormat,
    LabelTemplate,
    LineFilter,
    LineFormat,
    LogfmtParser,
    PatternParser,
    RegexpParser,
    Stage,
    UnpackParser,
    Unwrap,
)
from logpulse.logql.record import Check, Record, Sample, Test, never_stop
from logpulse.logql.stages import (
    decolorize,
    drop_keep,
    json,
    label_filter,
    label_format,
    line_filter,
    line_format,
    logfmt,
    pattern,
    regexp,
    unpack,
    unwrap,
)

_CHANGES_LINE = (LineFormat, Decolorize, UnpackParser)
_TEMPLATES = (LineFormat, LabelFormat)
_READS_LINE = (LineFilter, JsonParser, LogfmtParser, RegexpParser, PatternParser, UnpackParser)


class Pipeline:
    """Run entries through stages. Compiled once; safe to use from several threads, each with records of its own."""

    def __init__(
        self, stages: Sequence[Stage], wanted: frozenset[str] | None = None, check: Check = never_stop
    ) -> None:
        """Compile `stages`. Parsers extract the labels `wanted` (see `wanted_labels`); None stands for all.

        `check` is called between two templates, and now and then between other stages, as one entry may take long: its
        error, say that nobody waits for the answer any more, comes out of `run` and `sample`.

        Raises:
            LogPulseError: a pattern, a path or a template in a stage is malformed, which no parsed query has.
        """
        cut = next((number for number, stage in enumerate(stages) if isinstance(stage, Unwrap)), len(stages))
        # The filters of the stored line go first: they are cheap, and an entry they drop is dropped anyway.
        filters = line_filters(stages[:cut])
        before = (*filters, *without_line_filters(stages[:cut]))
        self._before = tuple(_compiled(before, wanted, check))
        self._sample: Sample = _every_entry
        unwrapped = stages[cut] if cut < len(stages) else None
        if isinstance(unwrapped, Unwrap):
            self._sample = unwrap.exact(unwrapped)
        self._after = tuple(_compiled(stages[cut + 1 :], wanted, check))

    @property
    def is_idle(self) -> bool:
        """Whether there is no stage: every entry is kept as it is."""
        return not (self._before or self._after) and self._sample is _every_entry

    def run(self, record: Record) -> bool:
        """Change `record` as the stages do; False drops the entry."""
        return self.sample(record) is not None

    def sample(self, record: Record) -> float | None:
        """Change `record` as the stages do, and give its sample: what is unwrapped, 1 without `unwrap`.

        None drops the entry. An entry that is kept may have an error, which fails a metric query.
        """
        for test in self._before:
            if not test(record):
                return None
        sample = self._sample(record)
        if sample is not None:
            for test in self._after:
                if not test(record):
                    return None
        return sample


def line_filters(stages: Sequence[Stage]) -> tuple[LineFilter, ...]:
    """Give the line filters that see the line as it is stored: a scan may decide them before anything else."""
    return tuple(stage for stage in _with_stored_line(stages) if isinstance(stage, LineFilter))


def without_line_filters(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Give the stages that are left where the filters of `line_filters` are decided already."""
    stored = _with_stored_line(stages)
    return (*(stage for stage in stored if not isinstance(stage, LineFilter)), *stages[len(stored) :])


def without_idle_line_formats(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Leave out each `line_format` whose line nobody reads, which also cannot fail then.

    Loki does so in metric queries that do not count bytes.
    """
    last = max((number for number, stage in enumerate(stages) if _reads_line(stage)), default=-1)
    return tuple(stage for number, stage in enumerate(stages) if number < last or not isinstance(stage, LineFormat))


def keeps_line(stages: Sequence[Stage]) -> bool:
    """Tell whether entries leave the stages with the line that is stored."""
    return len(_with_stored_line(stages)) == len(stages)


def _with_stored_line(stages: Sequence[Stage]) -> Sequence[Stage]:
    changing = (number for number, stage in enumerate(stages) if isinstance(stage, _CHANGES_LINE))
    return stages[: next(changing, len(stages))]


def _reads_line(stage: Stage) -> bool:
    return isinstance(stage, _READS_LINE) or (
        isinstance(stage, LabelFormat)
        and any(isinstance(each, LabelTemplate) and "__line__" in each.template for each in stage.assignments)
    )


def _every_entry(record: Record) -> float:
    return 1.0


def _compiled(stages: Sequence[Stage], wanted: frozenset[str] | None, check: Check) -> Iterator[Test]:
    def go_on(record: Record) -> bool:
        check()
        return True

    for number, stage in enumerate(stages):
        if number and (number % STAGES_BETWEEN_CHECKS == 0 or isinstance(stages[number - 1], _TEMPLATES)):
            yield go_on
        yield _compile(stage, wanted, check)


def _compile(stage: Stage, wanted: frozenset[str] | None, check: Check) -> Test:
    match stage:
        case LineFilter():
            return line_filter.exact_of_record(stage)
        case LabelFilter():
            return label_filter.exact(stage)
        case JsonParser():
            return json.exact(stage, wanted)
        case LogfmtParser():
            return logfmt.exact(stage, wanted)
        case RegexpParser():
            return regexp.exact(stage)
        case PatternParser():
            return pattern.exact(stage)
        case UnpackParser():
            return unpack.exact(stage, wanted)
        case LineFormat():
            return line_format.exact(stage)
        case LabelFormat():
            return label_format.exact(stage, check)
        case Decolorize():
            return decolorize.exact(stage)
        case DropLabels() | KeepLabels():
            return drop_keep.exact(stage)
        case Unwrap():
            raise AssertionError("`unwrap` stands once in a pipeline")
