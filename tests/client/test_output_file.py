"""A file that is there when it is complete."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from logpulse.client.failure import OutputFileError
from logpulse.client.output_file import OutputFile


class BlockError(Exception):
    """Be what goes wrong inside a block."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_has_another_name_until_it_is_complete(tmp_path: Path) -> None:
    with OutputFile(tmp_path / "x.ndjson") as file:
        file.write(b"one\n")
        assert names(tmp_path) == ["x.ndjson.part"]
        file.write(b"two\n")
    assert names(tmp_path) == ["x.ndjson"]
    assert (tmp_path / "x.ndjson").read_bytes() == b"one\ntwo\n"


def test_equal_entries_make_equal_compressed_files(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with OutputFile(tmp_path / name) as file:
            file.write(b"one\n" * 1000)
    data = (tmp_path / "a.gz").read_bytes()
    assert gzip.decompress(data) == b"one\n" * 1000
    assert (tmp_path / "b.gz").read_bytes() == data


@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_a_failure_leaves_what_was_written_and_the_older_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"older")
    file = OutputFile(tmp_path / name)
    with pytest.raises(BlockError), file:  # noqa: PT012 - the writing has to come before
        file.write(b"one\n")
        raise BlockError
    assert (tmp_path / name).read_bytes() == b"older"
    assert file.remains == tmp_path / f"{name}.part"
    written = (tmp_path / f"{name}.part").read_bytes()
    assert (gzip.decompress(written) if name.endswith(".gz") else written) == b"one\n"


def test_a_failure_before_anything_was_written_leaves_nothing(tmp_path: Path) -> None:
    file = OutputFile(tmp_path / "x.gz")
    with pytest.raises(BlockError), file:
        raise BlockError
    assert names(tmp_path) == []
    assert file.remains is None


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with OutputFile(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "no regular file"),
        ("missing/x", "no such file or directory"),
        ("file/x", "not a directory"),
        ("n" * 300, "file name too long"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputFileError, match=words), OutputFile(tmp_path / name):
        raise AssertionError("it must not be opened")


def test_devices_are_not_replaced() -> None:
    with pytest.raises(OutputFileError, match="no regular file"), OutputFile(Path("/dev/null")):
        raise AssertionError("it must not be opened")


def test_a_full_disk_is_told() -> None:
    file = OutputFile(Path("/dev/full"))
    with Path("/dev/full").open("wb", buffering=0) as full:
        file._text = full  # as if the folder's disk were full
        with pytest.raises(OutputFileError, match="no space left on device"):
            file.write(b"x")
