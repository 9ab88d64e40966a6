"""Types of fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.query.field_type import FieldType, field_type_of

TYPES = {
    FieldType.INTEGER: ["0", "1", "-5", "+5", "007", "9223372036854775807", "-9223372036854775808"],
    FieldType.FLOAT: ["1.5", "1e3", "9223372036854775808", "NaN", "inf", "0x1p4", "1_000"],
    FieldType.BOOLEAN: ["true", "False", "T", "f"],
    FieldType.DURATION: ["1s", "1h30m", "-5ms", "2µs", "1.5s"],
    FieldType.BYTES: ["1KB", "2 MiB", "5k", "1,024b"],
    FieldType.STRING: ["", "yes", "tRUE", "1d", "12 parsecs", "10.0.0.1", "2026-11-01T00:00:00Z"],
}


@pytest.mark.parametrize(("value", "kind"), [(value, kind) for kind, values in TYPES.items() for value in values])
def test_type(value: str, kind: FieldType) -> None:
    assert field_type_of(value) is kind


@given(st.text(max_size=60))
def test_every_text_has_a_type(value: str) -> None:
    assert field_type_of(value) in FieldType
