"""Labels worth choosing by."""

from __future__ import annotations

import pytest

from logpulse.model.labels import Labels
from logpulse.query.detected_labels import detect_labels

UUID = "8c25c2b5-0c6b-4a33-b0a0-5ba4b0b1c8f1"


@pytest.mark.parametrize(
    ("name", "values", "is_useful"),
    [
        ("env", ["prod", "dev"], True),
        ("env", ["prod"], True),
        ("room", ["12", "b"], True),
        ("id", ["12", "13", "1e5"], False),
        ("id", ["12"], False),
        ("id", [UUID, UUID.replace("-", ""), f"urn:uuid:{UUID}", f"{{{UUID}}}", "7"], False),
        ("flag", ["0"], True),
        ("flag", ["0", "1"], True),
        ("flag", ["0", "1", "2"], False),
        ("pod", ["1", "2", "3"], True),
        ("cluster", [UUID], True),
    ],
)
def test_usefulness(name: str, values: list[str], is_useful: bool) -> None:
    found = detect_labels(Labels.of({name: value, "k": f"v{n}"}) for n, value in enumerate(values))
    assert found == {"k": len(values)} | ({name: len(values)} if is_useful else {})
    assert list(found) == sorted(found)


def test_nothing_of_nothing() -> None:
    assert detect_labels([]) == {}
