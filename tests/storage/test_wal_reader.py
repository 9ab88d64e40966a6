"""Reading the write-ahead log: damage costs only what it hit, and is reported with its place."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.batch import Batch
from logpulse.errors import NewerFormatError
from logpulse.limits import WAL_RECORD_BYTES
from logpulse.storage.filenames import DataFolder
from logpulse.storage.problems import Problems
from logpulse.storage.recovery import replay
from logpulse.storage.wal import (
    CHECKSUM,
    HEADER,
    MAGIC,
    PREFIX_BYTES,
    WalRecord,
    decode_record,
)
from logpulse.storage.wal_reader import WalDamage, store_id_in

from ..strategies import NOON, batch_of, batches, entry
from .wal_records import STORE_ID, content, encoded, encoded_all, numbered, read_file


@pytest.fixture
def three(wal_folder: DataFolder) -> tuple[Path, list[WalRecord], list[int]]:
    """Write three records into one file; give them and the offsets where they begin and the file ends."""
    records = numbered([batch_of([entry(f"line {number}", NOON + number, pod=f"p{number}")]) for number in range(3)])
    path = wal_folder.wal / "0000000000000001.wal"
    offsets = [0]
    with path.open("wb") as file:
        for record in records:
            file.write(encoded(record))
            offsets.append(file.tell())
    return path, records, offsets


@given(batches, st.integers(1, 2**63), st.integers(0, 2**63 - 1))
def test_a_record_comes_back_as_it_was_written(batch: Batch, sequence: int, arrival: int) -> None:
    record = WalRecord(sequence, arrival, batch)
    data = encoded(record)
    assert len(data) % 8 == 0  # so that the columns of the next record are aligned as well
    assert content(decode_record(sequence, memoryview(data)[PREFIX_BYTES:])) == content(record)


def test_a_tail_torn_at_any_byte_costs_only_the_last_record(
    three: tuple[Path, list[WalRecord], list[int]], wal_folder: DataFolder
) -> None:
    path, records, offsets = three
    whole = path.read_bytes()
    for size in range(offsets[2] + 1, offsets[3]):
        path.write_bytes(whole[:size])
        *before, damage = read_file(path)
        assert [content(each) for each in before if isinstance(each, WalRecord)] == [*map(content, records[:2])]
        assert isinstance(damage, WalDamage)
        assert (damage.offset, damage.size, damage.tail) == (offsets[2], size - offsets[2], True)

    problems = Problems(wal_folder)
    assert len(list(replay(wal_folder, STORE_ID, 0, 1, problems))) == 2
    assert path.stat().st_size == offsets[2]
    (copy,) = wal_folder.quarantine.iterdir()
    assert copy.read_bytes() == whole[offsets[2] : offsets[3] - 1]
    assert [problem.code for problem in problems.listed()] == ["wal_tail_torn"]
    assert not [each for each in read_file(path) if isinstance(each, WalDamage)], "mended once, and not found again"


def test_a_file_cut_between_records_is_not_damaged(three: tuple[Path, list[WalRecord], list[int]]) -> None:
    path, records, offsets = three
    for kept in range(3):
        path.write_bytes(path.read_bytes()[: offsets[kept]] if kept == 0 else encoded_all(records[:kept]))
        assert [content(each) for each in read_file(path) if isinstance(each, WalRecord)] == [
            content(record) for record in records[:kept]
        ]
        assert not [each for each in read_file(path) if isinstance(each, WalDamage)]


def test_any_flipped_bit_costs_only_its_own_record(three: tuple[Path, list[WalRecord], list[int]]) -> None:
    path, records, offsets = three
    whole = path.read_bytes()
    headers = [position for begin in offsets[:3] for position in range(begin, begin + PREFIX_BYTES + 12)]
    for position in [*headers, *range(0, offsets[3], 5)]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        hit = next(number for number in range(3) if position < offsets[number + 1])
        found = read_file(path)
        (damage,) = (each for each in found if isinstance(each, WalDamage))
        assert [content(each) for each in found if isinstance(each, WalRecord)] == [
            content(record) for number, record in enumerate(records) if number != hit
        ]
        assert (damage.path, damage.offset, damage.size) == (path, offsets[hit], offsets[hit + 1] - offsets[hit])
        assert damage.tail == (hit == 2)


def test_damage_in_the_middle_is_copied_aside_and_the_file_left_alone(
    three: tuple[Path, list[WalRecord], list[int]], wal_folder: DataFolder
) -> None:
    path, records, offsets = three
    data = bytearray(path.read_bytes())
    data[offsets[1] + PREFIX_BYTES] ^= 0xFF
    path.write_bytes(data)
    problems = Problems(wal_folder)
    assert [content(record) for record in replay(wal_folder, STORE_ID, 0, 1, problems)] == [
        content(records[0]),
        content(records[2]),
    ]
    codes = [problem.code for problem in problems.listed()]
    assert codes == ["wal_damaged", "wal_gap"]
    assert f"at byte {offsets[1]}" in problems.listed()[0].detail
    (copy,) = wal_folder.quarantine.iterdir()
    assert copy.read_bytes() == bytes(data[offsets[1] : offsets[2]])
    assert path.read_bytes() == bytes(data)


@pytest.mark.parametrize("zeros", [1, 7, PREFIX_BYTES, 4096])
def test_a_tail_of_zeros_is_no_damage(three: tuple[Path, list[WalRecord], list[int]], zeros: int) -> None:
    path, records, _ = three
    with path.open("ab") as file:
        file.write(bytes(zeros))
    assert [content(each) for each in read_file(path) if isinstance(each, WalRecord)] == [*map(content, records)]
    assert not [each for each in read_file(path) if isinstance(each, WalDamage)]


@pytest.mark.parametrize("length", [0xFFFFFFFF, WAL_RECORD_BYTES + 1, WAL_RECORD_BYTES])
def test_an_absurd_length_allocates_nothing(three: tuple[Path, list[WalRecord], list[int]], length: int) -> None:
    path, _, offsets = three
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, offsets[1] + 16, length)
    path.write_bytes(data)
    tracemalloc.start()
    try:
        found = read_file(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(data) + (1 << 20)
    assert [each.reason for each in found if isinstance(each, WalDamage)] == ["the record is longer than the file"]
    assert len(found) == 3


def test_bytes_that_only_look_like_the_start_of_a_record_are_passed_over(
    three: tuple[Path, list[WalRecord], list[int]],
) -> None:
    path, records, offsets = three
    whole = path.read_bytes()
    decoy = (
        MAGIC
        + STORE_ID
        + b"\0" * 3
        + MAGIC * 5
        + HEADER.pack(MAGIC, STORE_ID, 1, 1, 8, 9)
        + CHECKSUM.pack(1)
        + b"12345678"
    )
    path.write_bytes(whole[: offsets[1]] + decoy + whole[offsets[1] :])
    found = read_file(path)
    assert [content(each) for each in found if isinstance(each, WalRecord)] == [*map(content, records)]
    (damage,) = (each for each in found if isinstance(each, WalDamage))
    assert (damage.offset, damage.size, damage.tail) == (offsets[1], len(decoy), False)


def test_a_record_of_a_later_version_is_refused(three: tuple[Path, list[WalRecord], list[int]]) -> None:
    path, _, _ = three
    header = HEADER.pack(MAGIC, STORE_ID, 2, 1, 4, 4)
    path.write_bytes(path.read_bytes() + header + CHECKSUM.pack(zlib.crc32(b"next", zlib.crc32(header))) + b"next")
    with pytest.raises(NewerFormatError, match=r"record format 2\.1"):
        read_file(path)


def whole_record(store_id: bytes, version: int, sequence: int, payload: bytes) -> bytes:
    """Write a record with a valid checksum."""
    header = HEADER.pack(MAGIC, store_id, version, 1, len(payload), sequence)
    return header + CHECKSUM.pack(zlib.crc32(payload, zlib.crc32(header))) + payload


@pytest.mark.parametrize(
    "forged",
    [
        whole_record(bytes(8), 1, 9, encoded(numbered([batch_of([entry("forged")])])[0])[PREFIX_BYTES:]),
        whole_record(bytes(8), 2, 9, b""),
        whole_record(STORE_ID, 2, 9, b""),
        encoded(WalRecord(1, NOON, batch_of([entry("forged")]))),
    ],
    ids=["a record without the secret", "a later version without it", "a later version", "a record of the past"],
)
def test_log_text_in_a_torn_write_never_passes_for_a_record(
    three: tuple[Path, list[WalRecord], list[int]], forged: bytes
) -> None:
    path, records, offsets = three
    whole = path.read_bytes()
    path.write_bytes(whole[: offsets[2] + 40] + forged + b"and the rest is missing")
    *before, damage = read_file(path)
    assert [content(each) for each in before if isinstance(each, WalRecord)] == [*map(content, records[:2])]
    assert isinstance(damage, WalDamage)
    assert (damage.offset, damage.tail) == (offsets[2], True)


def test_the_store_id_is_read_off_a_whole_header_only(three: tuple[Path, list[WalRecord], list[int]]) -> None:
    path, _, _ = three
    assert store_id_in(path) == STORE_ID
    for start in (b"", MAGIC, MAGIC + STORE_ID[:7], b"x" * 12):
        path.write_bytes(start)
        assert store_id_in(path) is None
