"""Reading segments: one wrong bit anywhere is found or does no harm, and a lack of something else is no damage."""

from __future__ import annotations

import errno
import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logpulse.batch import SCHEMA
from logpulse.errors import DamagedFileError, NewerFormatError, StorageError
from logpulse.limits import SEGMENT_ALLOCATION_BYTES
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import (
    damage_of,
    is_sound,
    read_chunk,
    read_rows,
    read_segment,
    segment_file,
    verify_chunks,
)

from ..strategies import NOON, batch_of, entry
from .opening import POLICY, opened

CHUNKS = 6
FLIPS = 150


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> Segment:
    """Write a segment of several chunks and streams."""
    dice = random.Random(3)
    lines = [f"request {dice.getrandbits(64):x} took {dice.random()}" for _ in range(120)]
    with opened(tmp_path_factory.mktemp("segment") / "data", attrs.evolve(POLICY, chunk_bytes=1300)) as store:
        entries = [
            entry(line, NOON + number, metadata={"trace": "1"} if number % 3 else None, service=f"s{number % 4}")
            for number, line in enumerate(lines)
        ]
        store.append([batch_of(entries)])
        flushed = store.flush()
        assert flushed is not None
        (segment,) = flushed.segments
    assert segment.facts.chunks >= CHUNKS
    return segment


@pytest.fixture
def copy(segment: Segment, tmp_path: Path) -> Segment:
    """Give a copy of the segment to do harm to."""
    path = tmp_path / segment.path.name
    path.write_bytes(segment.path.read_bytes())
    return attrs.evolve(segment, path=path)


def footer_start(data: bytes) -> int:
    """Find where the footer of a Parquet file begins."""
    return len(data) - 8 - int.from_bytes(data[-8:-4], "little")


def content(segment: Segment) -> list[dict[str, object]]:
    """Read all entries without asking for checksums."""
    rows: list[dict[str, object]] = pq.read_table(segment.path).to_pylist()
    return rows


@contextmanager
def flipped(segment: Segment, position: int, bit: int) -> Iterator[None]:
    """Change one bit of the file for the length of the block."""
    whole = segment.path.read_bytes()
    damaged = bytearray(whole)
    damaged[position] ^= 1 << bit
    segment.path.write_bytes(damaged)
    yield
    segment.path.write_bytes(whole)


def test_a_whole_segment_is_sound(segment: Segment) -> None:
    assert damage_of(segment) == ""
    assert is_sound(segment)
    verify_chunks(segment, range(segment.facts.chunks))
    found, labels = read_segment(segment.path, segment.name)
    assert found.facts == segment.facts
    assert found.streams.equals(segment.streams)
    assert sorted(each.id for each in labels) == segment.streams.ids.tolist()
    chunks = [read_chunk(segment, number) for number in range(segment.facts.chunks)]
    whole = pq.read_table(segment.path, columns=SCHEMA.names).cast(SCHEMA)
    assert pa.Table.from_batches(chunks).equals(whole)


def test_one_wrong_bit_in_the_pages_is_found_in_its_chunk_alone(copy: Segment) -> None:
    whole = copy.path.read_bytes()
    before = content(copy)
    with pq.ParquetFile(copy.path) as file:
        starts = [
            min(
                column.dictionary_page_offset or column.data_page_offset
                for column in (file.metadata.row_group(number).column(place) for place in range(5))
            )
            for number in range(copy.facts.chunks)
        ]
    dice = random.Random(5)
    found = 0
    for _ in range(FLIPS):
        position = dice.randrange(4, footer_start(whole))
        hit = max(number for number, start in enumerate(starts) if start <= position)
        with flipped(copy, position, dice.randrange(8)):
            verify_chunks(copy, (number for number in range(copy.facts.chunks) if number != hit))
            if damage_of(copy):
                found += 1
                with pytest.raises(DamagedFileError):
                    verify_chunks(copy, [hit])
            else:
                assert content(copy) == before, position
    assert found > FLIPS * 3 // 4


def test_one_wrong_bit_in_the_footer_is_found_or_does_no_harm(copy: Segment) -> None:
    whole = copy.path.read_bytes()
    before = content(copy)
    streams, times = copy.streams.ids, copy.streams.newest
    dice = random.Random(7)
    for _ in range(FLIPS):
        with flipped(copy, dice.randrange(footer_start(whole), len(whole)), dice.randrange(8)):
            for read in (
                lambda: read_segment(copy.path, copy.name),
                lambda: read_rows(copy, streams, times),
                lambda: read_chunk(copy, 1),
            ):
                with suppress(DamagedFileError, NewerFormatError):
                    read()
            try:
                sound = is_sound(copy)
            except NewerFormatError:
                continue
            if sound:
                assert content(copy) == before


def test_a_column_of_another_name_is_found(copy: Segment) -> None:
    whole = copy.path.read_bytes()
    with flipped(copy, whole.index(b"labels", footer_start(whole)), 5):
        assert damage_of(copy) == "its columns are not those of a segment"
        with pytest.raises(DamagedFileError):
            verify_chunks(copy, [0])


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 5000], ids=["empty", "magic only", "garbage"])
def test_what_is_no_segment_is_damaged(copy: Segment, data: bytes) -> None:
    copy.path.write_bytes(data)
    assert damage_of(copy)
    with pytest.raises(DamagedFileError):
        read_segment(copy.path, copy.name)


def test_a_segment_that_is_gone_is_damaged(copy: Segment) -> None:
    copy.path.unlink()
    assert "No such file" in damage_of(copy)


def test_a_footer_that_is_not_the_catalogs_is_damage(copy: Segment) -> None:
    other = attrs.evolve(copy, facts=msgspec.structs.replace(copy.facts, arrival=copy.facts.arrival + 1))
    assert damage_of(other) == "its footer is not what the catalog knows of it"


# -- what is no damage ------------------------------------------------------------------------------------------------


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Let the process open nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_lack_of_descriptors_is_no_damage(segment: Segment) -> None:
    for look in (
        lambda: is_sound(segment),
        lambda: damage_of(segment),
        lambda: verify_chunks(segment, [0]),
        lambda: read_segment(segment.path, segment.name),
        lambda: read_rows(segment, segment.streams.ids, segment.streams.newest),
    ):
        with no_more_descriptors(), pytest.raises(StorageError) as raised:
            look()
        assert type(raised.value) is StorageError
        assert "open files" in str(raised.value)


@pytest.mark.parametrize(
    ("error", "damage"),
    [
        (OSError(errno.ENOMEM, "no memory"), False),
        (OSError(errno.ENFILE, "too many open files in system"), False),
        (OSError(errno.ENOSPC, "no space"), False),
        (OSError(errno.EIO, "input/output error"), True),
        (OSError("Couldn't deserialize thrift"), True),
        (MemoryError(), False),
        (pa.ArrowMemoryError(f"malloc of size {SEGMENT_ALLOCATION_BYTES - 1} failed"), False),
        (pa.ArrowMemoryError(f"malloc of size {SEGMENT_ALLOCATION_BYTES} failed"), True),
        (pa.ArrowNotImplementedError("unknown encoding"), True),
        (IndexError("out of bounds"), True),
        (KeyError("stream"), True),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), True),
    ],
    ids=repr,
)
def test_what_is_short_is_told_from_what_is_broken(segment: Segment, error: Exception, damage: bool) -> None:
    with pytest.raises(StorageError) as raised, segment_file(segment.path):
        raise error
    assert isinstance(raised.value, DamagedFileError) == damage
    assert raised.value.path == segment.path
