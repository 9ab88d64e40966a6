"""The labels that entries begin with."""

from __future__ import annotations

import pytest

from logpulse.limits import KNOWN_METADATA
from logpulse.logql.base import Bases, make_base
from logpulse.logql.record import Origin
from logpulse.model.labels import Labels
from logpulse.wire.metadata import canonical_metadata

STREAM = Labels.of({"app": "shop", "env": "prod"})


@pytest.mark.parametrize(
    ("metadata", "labels"),
    [
        ({"trace": "t"}, {"trace": "t"}),
        ({"odd key!": "v", "ünï": "ö", "1x": "d"}, {"odd_key_": "v", "_n_": "ö", "_1x": "d"}),
        ({"app": "x"}, {"app_extracted": "x"}),
        ({"empty": "", " ": "x"}, {}),
        ({}, {}),
    ],
)
def test_metadata_become_labels(metadata: dict[str, str], labels: dict[str, str]) -> None:
    base = make_base(STREAM, canonical_metadata(metadata))
    assert base.labels == {"app": "shop", "env": "prod", **labels}
    assert base.origins == dict.fromkeys(labels, Origin.METADATA)


def test_entries_share_their_base() -> None:
    bases = Bases()
    metadata = canonical_metadata({"trace": "t"})
    assert bases.of(STREAM, None) is bases.of(STREAM, None)
    assert bases.of(STREAM, metadata) is bases.of(Labels.of({"app": "shop", "env": "prod"}), metadata)
    assert bases.of(STREAM, metadata).labels != bases.of(Labels.of({"app": "web"}), metadata).labels


def test_what_is_remembered_is_bounded() -> None:
    bases = Bases()
    for number in range(KNOWN_METADATA + 1):
        assert bases.of(STREAM, canonical_metadata({"n": str(number)})).labels["n"] == str(number)
    assert len(bases._with_metadata) <= KNOWN_METADATA
    long = canonical_metadata({"n": "x" * 10_000})
    assert bases.of(STREAM, long).labels == bases.of(STREAM, long).labels
    assert (STREAM.id, long) not in bases._with_metadata
