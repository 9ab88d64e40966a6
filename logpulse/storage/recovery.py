"""Open a data folder after anything: clean stops, kills, power loss, damage, a lost catalog.

Order: format, leftovers of unfinished work, catalog (or the segments' own footers), then the WAL.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Iterator
from typing import Final

import attrs

from logpulse.errors import DamagedFileError, NewerFormatError
from logpulse.model.labels import Labels
from logpulse.storage.catalog import Catalog, CatalogContents
from logpulse.storage.filenames import TEMPORARY_SUFFIX, DataFolder, wal_first_sequence
from logpulse.storage.files import make_folder, publish
from logpulse.storage.problems import Problems
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import read_segment
from logpulse.storage.wal import STORE_ID_BYTES, WalRecord
from logpulse.storage.wal_reader import WalDamage, read_wal, store_id_in

_LOG: Final = logging.getLogger("logpulse.storage")
FORMAT: Final = 1
_FORMAT_TEXT: Final = re.compile(r"logpulse (\d{1,9}) ([0-9a-f]+)\s*")


@attrs.frozen
class Recovered:
    """Hold what was found on disk besides the WAL; a `rebuilt` catalog does not know what the WAL should hold."""

    catalog: Catalog
    contents: CatalogContents
    rebuilt: bool

    @property
    def last_sequence(self) -> int:
        """The highest WAL record that is known of; names of segments are made of these numbers."""
        used = (segment.facts.last_sequence for segment in self.contents.segments)
        return max(self.contents.flushed_sequence, *used, 0)

    @property
    def next_sequence(self) -> int | None:
        """The WAL record that should come after what is in segments, where that is known."""
        return None if self.rebuilt else self.last_sequence + 1


def prepare_folder(folder: DataFolder) -> bytes:
    """Create what is missing of the folder's layout, remove temporary files, and give the store id.

    Call it with the lock held.

    Raises:
        NewerFormatError: a later version wrote the folder; nothing was changed.
        DamagedFileError: the format file makes no sense; nothing was changed.
    """
    store_id = _read_format(folder) if folder.format.exists() else None
    for each in (folder.wal, folder.segments):
        make_folder(each)
    for leftover in folder.leftovers():
        leftover.unlink()
    if store_id is None:
        found = (store_id_in(path) for path in folder.wal_files())
        store_id = next(filter(None, found), None) or secrets.token_bytes(STORE_ID_BYTES)
        temporary = folder.format.with_name(folder.format.name + TEMPORARY_SUFFIX)
        temporary.touch(0o600)
        temporary.write_text(f"logpulse {FORMAT} {store_id.hex()}\n", "ascii")
        publish(temporary, folder.format)
    return store_id


def _read_format(folder: DataFolder) -> bytes:
    text = folder.format.read_text("ascii", "replace")
    matched = _FORMAT_TEXT.fullmatch(text)
    if matched is None:
        raise DamagedFileError(folder.format, "expected 'logpulse <format> <store id>'; restore it or move it away")
    if int(matched[1]) > FORMAT:
        raise NewerFormatError(folder.format, f"data format {matched[1]} is newer than this LogPulse reads ({FORMAT})")
    if len(matched[2]) != 2 * STORE_ID_BYTES:
        raise DamagedFileError(folder.format, "the store id is not whole; restore it or move it away")
    return bytes.fromhex(matched[2])


def open_catalog(folder: DataFolder, problems: Problems) -> Recovered:
    """Open the catalog, rebuild it if it is damaged or lost, and make it agree with the segments on disk.

    Raises:
        NewerFormatError: a later version wrote the catalog or a segment; no data was changed.
    """
    existed = folder.catalog.exists()
    catalog, contents = _read_catalog(folder, problems)
    rebuilt = not existed or bool(problems.count)
    try:
        return Recovered(catalog, _reconciled(folder, catalog, contents, problems), rebuilt)
    except BaseException:
        catalog.close()
        raise


def _reconciled(folder: DataFolder, catalog: Catalog, contents: CatalogContents, problems: Problems) -> CatalogContents:
    """Make the catalog agree with the segments on disk, which are right."""
    on_disk = set(folder.segment_names())
    known = {segment.name for segment in contents.segments}
    present = [segment for segment in contents.segments if segment.name in on_disk]
    missing = [segment for segment in contents.segments if segment.name not in on_disk]
    adopted, streams = _adopt(folder, sorted(on_disk - known), problems)
    replaced = {name for segment in (*present, *adopted) for name in segment.facts.replaces}
    # A merged segment gets its name when it is whole, so what a compaction had begun is finished here.
    obsolete = [segment for segment in (*present, *adopted) if segment.name in replaced]
    for segment in missing:
        if segment.name not in replaced:
            problems.add("segment_missing", f"segment {segment.name} is in the catalog and not on disk")
    try:
        if missing or obsolete:
            catalog.replace([*missing, *obsolete], [])
        # Entries of an adopted segment may be in the WAL as well; replay recognises them as duplicates.
        if adopted:
            kept = [segment for segment in adopted if segment.name not in replaced]
            catalog.add(kept, streams, contents.flushed_sequence)
        for segment in obsolete:
            segment.path.unlink(missing_ok=True)
    except OSError as error:  # a full disk must not keep the server from starting; the next start does the same again
        _LOG.warning("the catalog could not be made to agree with the segments: %s", error)
    everything = [segment for segment in (*present, *adopted) if segment.name not in replaced]
    everything.sort(key=lambda each: each.name)
    return attrs.evolve(contents, streams=(*contents.streams, *streams), segments=tuple(everything))


def _read_catalog(folder: DataFolder, problems: Problems) -> tuple[Catalog, CatalogContents]:
    if folder.catalog.exists():
        try:
            catalog = Catalog(folder.catalog)
            try:
                return catalog, catalog.read(folder)
            except DamagedFileError:
                catalog.close()
                raise
        except DamagedFileError as error:
            problems.quarantine(folder.catalog, "catalog_damaged", f"{error.reason}; it was rebuilt from the segments")
            folder.catalog.with_name(folder.catalog.name + "-journal").unlink(missing_ok=True)
    catalog = Catalog(folder.catalog)
    return catalog, catalog.read(folder)


def _adopt(folder: DataFolder, names: list[str], problems: Problems) -> tuple[list[Segment], list[Labels]]:
    segments, streams = [], []
    for name in names:
        path = folder.segment(name)
        try:
            segment, labels = read_segment(path, name)
        except DamagedFileError as error:
            problems.quarantine(path, "segment_damaged", error.reason)
            continue
        segments.append(segment)
        streams.extend(labels)
    return segments, streams


def replay(
    folder: DataFolder, store_id: bytes, flushed_sequence: int, expected: int | None, problems: Problems
) -> Iterator[WalRecord]:
    """Yield the records that are not in segments yet, in order, and mend the files they come from.

    Every record up to `flushed_sequence` is in segments; the first behind them has at most the
    number `expected`, or others are lost; None where that is not known.

    A torn tail is cut off, with a copy kept; damage in the middle is copied aside and skipped. A record that a later
    file supersedes was never acknowledged and is left out.

    Raises:
        NewerFormatError: a later version wrote a file.
    """
    files = folder.wal_files()
    ends = [*(wal_first_sequence(path) for path in files[1:]), None][: len(files)]
    for path, end in zip(files, ends, strict=True):
        for found in read_wal(path, store_id):
            if isinstance(found, WalDamage):
                _set_aside(found, problems)
                continue
            if (end is not None and found.sequence >= end) or found.sequence <= flushed_sequence:
                continue
            if expected is not None and found.sequence > expected:
                problems.add("wal_gap", f"records {expected} to {found.sequence - 1} are missing before {path}")
            expected = max(expected or 0, found.sequence + 1)
            yield found


def _set_aside(damage: WalDamage, problems: Problems) -> None:
    with damage.path.open("rb") as file:
        file.seek(damage.offset)
        data = file.read(damage.size)
    place = f"{damage.path.name} at byte {damage.offset}: {damage.reason}"
    name = f"{damage.path.name}.{damage.offset}"
    if damage.tail:
        problems.keep_copy(name, data, "wal_tail_torn", f"an unfinished write was cut off {place}")
        try:
            os.truncate(damage.path, damage.offset)
        except OSError as error:  # it is read past again at the next start
            _LOG.warning("the unfinished write stays in %s: %s", damage.path, error)
    else:
        problems.keep_copy(name, data, "wal_damaged", f"a damaged record was left out of {place}")
