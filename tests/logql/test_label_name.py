"""Label names made of keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import KNOWN_NAME_CHARACTERS, KNOWN_NAMES
from logpulse.logql.label_name import LabelNames, label_name, part_of_label_name
from logpulse.model.labels import is_label_name


@pytest.mark.parametrize(
    ("key", "name", "part"),
    [
        ("abc_1", "abc_1", "abc_1"),
        ("a.b-c/d e:f", "a_b_c_d_e_f", "a_b_c_d_e_f"),
        ("ünï", "_n_", "_n_"),
        ("1x", "_1x", "1x"),
        (" \t\u00a0x\u2003\n", "x", "x"),
        ("\x1cx", "_x", "_x"),
        ("", "", ""),
        ("  ", "", ""),
        ("😀", "_", "_"),
    ],
)
def test_names(key: str, name: str, part: str) -> None:
    assert (label_name(key), part_of_label_name(key)) == (name, part)


@given(st.text(max_size=20))
def test_a_name_is_a_label_name_or_nothing(key: str) -> None:
    assert is_label_name(label_name(key)) or label_name(key) == ""
    assert label_name(label_name(key)) == label_name(key)


def test_what_is_remembered_is_bounded() -> None:
    names = LabelNames(label_name)
    for number in range(KNOWN_NAMES + 1):
        assert names[f"k.{number}"] == f"k_{number}"
    assert len(names) <= KNOWN_NAMES
    long = "." * (KNOWN_NAME_CHARACTERS + 1)
    assert names[long] == "_" * len(long)
    assert long not in names
