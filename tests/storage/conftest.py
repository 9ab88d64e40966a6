"""Fixtures of the storage tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from logpulse.storage.filenames import DataFolder


@pytest.fixture
def wal_folder(tmp_path: Path) -> DataFolder:
    """Give an empty data folder with the place for WAL files."""
    folder = DataFolder(tmp_path)
    folder.wal.mkdir()
    return folder
