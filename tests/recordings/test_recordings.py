"""Recordings by name."""

from __future__ import annotations

import importlib.util

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.recordings import (
    RECORDINGS,
    load,
)


def test_an_unknown_recording_is_answered_with_those_there_are() -> None:
    with pytest.raises(SpikelearnError, match=f"there are {', '.join(RECORDINGS)}"):
        load("katydid")


def test_every_recording_has_a_line_and_a_module() -> None:
    for name, entry in RECORDINGS.items():
        assert entry.species
        assert entry.reference[-4:].isdigit()
        assert importlib.util.find_spec(f"spikelearn.recordings.{name}")
